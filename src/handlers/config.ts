import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../assets/node.js';
import { BACKEND_NAMES } from '../model/backends/index.js';
import { DEFAULT_MAX_PIXELS } from '../model/image.js';
import { DEFAULT_MAX_BODY_BYTES } from './app.js';

const integer = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`));

/** Everything that can be set from the environment, with its unit and its default. */
const environment = z.object({
  /** TCP port; 0 takes any free one. */
  PORT: integer(0, 65535).default(8080),
  /** Address to listen on. All of them by default, as containers need; 127.0.0.1 keeps it to this machine. */
  HOST: z.string().default('0.0.0.0'),
  /** The model's folder. */
  MODEL: z.string().default(() => join(packageRoot(), 'models', 'mien-v1')),
  /** What infers. */
  BACKEND: z.enum(BACKEND_NAMES, `must be one of ${BACKEND_NAMES.join(', ')}`).default('wasm'),
  /** Largest image decoded, in pixels (4 bytes of memory each). */
  MAX_PIXELS: integer(1, 1_000_000_000).default(DEFAULT_MAX_PIXELS),
  /** Largest request body, in bytes. */
  MAX_BODY_BYTES: integer(1, 1_000_000_000).default(DEFAULT_MAX_BODY_BYTES),
  /** Most crops of concurrent requests that share one inference; 1 batches nothing. */
  BATCH_MAX: integer(1, 1024).default(32),
  /** How long a crop may wait for others to share its inference, in milliseconds; 0 takes what is there. */
  BATCH_WAIT_MS: integer(0, 1000).default(2),
  /** Most crops that wait for an inference; beyond it requests get 503 with Retry-After. */
  QUEUE_MAX: integer(1, 100_000).default(256),
  /** Longest wait for an inference, in milliseconds; after it a request gets 503. */
  QUEUE_TIMEOUT_MS: integer(1, 60_000).default(10_000),
});

export type Config = z.output<typeof environment>;

/** The environment says something that cannot be: its message has a line for every fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the configuration. A variable set to nothing counts as not set, as in `PORT= npm start`.
 *
 * @throws ConfigError naming every wrong variable
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value));
  const result = environment.safeParse(set);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => {
    const name = path.join('.');
    return `${name}=${env[name]}: ${message}`;
  });
  throw new ConfigError(lines.join('\n'));
}
