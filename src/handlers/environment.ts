import { z } from 'zod';

/** The environment says something that cannot be: its message has a line for every fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Whether a setting is not for the log: whoever sets API_KEYS to a key, not to its hash, would find it there. */
const isSecret = (name: string) => /KEY/.test(name);

/** What stands before an @ may be a password, and what stands behind a ? or a # a token. */
const masked = (value: string) => value.replace(/^.*@/s, '…@').replace(/([?#]).*$/s, '$1…');

/** An address that is asked by HTTP. */
export const httpUrl = (example: string) =>
  z.url({ protocol: /^https?$/, error: `must be an address such as ${example}` });

/**
 * Reads settings from environment variables. One that is set to nothing counts as not set, as in `PORT= npm start`.
 *
 * @throws ConfigError naming every wrong variable
 */
export function readEnvironment<T extends z.ZodType>(
  schema: T,
  env: Record<string, string | undefined>,
): z.output<T> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value));
  const result = schema.safeParse(set);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    return `${isSecret(name) ? name : `${name}=${masked(env[name] ?? '')}`}: ${message}`;
  });
  throw new ConfigError([...new Set(lines)].join('\n'));
}
