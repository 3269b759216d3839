import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../assets/node.js';
import { BACKEND_NAMES } from '../model/backends/index.js';
import { DEFAULT_MAX_PIXELS } from '../model/image.js';
import { DEFAULT_MAX_BODY_BYTES } from './app.js';
import { ConfigError, readEnvironment } from './environment.js';
import { guardSettings } from './guard.js';

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
  /** Address to listen on. By default all of them where there are API keys, and 127.0.0.1, this machine's own, else. */
  HOST: z.string().optional(),
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
  /** Most requests a minute of a key, or without keys of an address; beyond it they get 429. 0 is no limit. */
  RATE_LIMIT: integer(0, 1_000_000).default(0),
  ...guardSettings.shape,
});

export type Config = z.output<typeof environment> & { HOST: string };

/** Addresses that only this machine reaches. */
const isLoopback = (host: string) => /^(127\.|::1$|localhost$)/.test(host);

/**
 * Reads the configuration.
 *
 * @throws ConfigError naming every wrong variable, or where a network could ask without a key although nobody said so
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const config = readEnvironment(environment, env);
  const keyed = config.API_KEYS.length > 0;
  const { HOST = keyed ? '0.0.0.0' : '127.0.0.1' } = config;
  if (!keyed && config.ANONYMOUS !== 'allow' && !isLoopback(HOST)) {
    const wish = 'set API_KEYS, or ANONYMOUS=allow to answer everybody';
    throw new ConfigError(`HOST=${HOST}: others than this machine could ask without a key; ${wish}`);
  }
  return { ...config, HOST, ANONYMOUS: isLoopback(HOST) ? 'allow' : config.ANONYMOUS };
}
