import { z } from 'zod';
import { readEnvironment } from './environment.js';

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean),
);

/** Whether it is written as browsers write it: in lower case, without a usual port, a path or a star. */
const isOrigin = (text: string) =>
  /^https?:\/\/[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text;

/** SHA-256 of nothing. */
const NO_KEY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Who may ask, on every runtime. */
export const guardSettings = z.object({
  API_KEYS: list
    .pipe(
      z.array(
        z
          .string()
          .regex(/^[0-9a-f]{64}$/i, 'must be SHA-256 hashes, 64 hexadecimal digits each')
          .refine(
            (hash) => hash.toLowerCase() !== NO_KEY,
            'has the hash of an empty key: was a variable not set?',
          ),
      ),
    )
    .default([])
    .describe(
      'SHA-256 of each API key in hexadecimal (`printf %s "$KEY" \\| sha256sum`), separated by commas, so that keys can be ' +
        'changed one after the other. Clients send `Authorization: Bearer KEY` or `X-API-Key: KEY`',
    ),
  ANONYMOUS: z
    .enum(['allow', 'refuse'], 'must be allow or refuse')
    .default('refuse')
    .describe('`allow` answers everybody where there are no keys'),
  CORS_ORIGINS: list
    .pipe(z.array(z.string().refine(isOrigin, 'must be origins such as https://example.com')))
    .default([])
    .describe('Origins of web pages that may ask, separated by commas, such as https://example.com'),
});

export interface Guard {
  /** SHA-256 of each key, lower-case hexadecimal. */
  keys: string[];
  /** Without keys: whether everybody may ask, or nobody. */
  anonymous: boolean;
  corsOrigins: string[];
}

export const guardOf = ({ API_KEYS, ANONYMOUS, CORS_ORIGINS }: z.output<typeof guardSettings>): Guard => ({
  keys: API_KEYS.map((hash) => hash.toLowerCase()),
  anonymous: ANONYMOUS === 'allow',
  corsOrigins: CORS_ORIGINS,
});

/**
 * Reads the guard from a runtime's environment, for runtimes that have no other settings.
 * @throws ConfigError
 */
export const readGuard = (env: Record<string, string | undefined>): Guard =>
  guardOf(readEnvironment(guardSettings, env));
