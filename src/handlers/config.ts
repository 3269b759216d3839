import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../assets/node.js';
import { BACKEND_NAMES } from '../model/backends/index.js';
import { DEFAULT_MAX_PIXELS } from '../model/image.js';
import { DEFAULT_MAX_BODY_BYTES, DEFAULT_RECEIVE_MS } from './app.js';
import { ConfigError, httpUrl, readEnvironment } from './environment.js';
import { guardSettings } from './guard.js';
import { upstreamSettings } from './upstream.js';
import { wholeNumber } from './whole-number.js';

/** A container's share of a machine is not always told from its cores. */
const MOST_THREADS = 8;

const BACKENDS = ['auto', ...BACKEND_NAMES] as const;

/** Everything that can be set from the environment, with its unit and its default: docs/configuration.md is made of it. */
export const settings = z.object({
  PORT: wholeNumber(0, 65535).default(8080).describe('TCP port; 0 takes any free one'),
  HOST: z.string().optional().meta({
    description:
      'Address to listen on: by default, others than this machine reach the server only where it asks for keys',
    shown: '`127.0.0.1`; `0.0.0.0` with keys',
  }),
  ...guardSettings.shape,
  RATE_LIMIT: wholeNumber(0, 1_000_000)
    .default(0)
    .describe(
      'Most requests a minute of a key, or without keys of an address (of IPv6, a /64); beyond it 429. 0 is no limit. Behind a ' +
        "proxy all have the proxy's address: let it limit them, or give keys",
    ),
  MAX_CONCURRENT: wholeNumber(1, 100_000)
    .default(64)
    .describe(
      'Most requests in work at a time, open streams among them; beyond it 503 with `Retry-After`, the body unread',
    ),
  RECEIVE_TIMEOUT_MS: wholeNumber(1, 300_000)
    .default(DEFAULT_RECEIVE_MS)
    .describe(
      "Longest wait for a request's headers, for its body, and for each line of a stream, milliseconds; then 408. So long may " +
        'a client leave an answer unread, too',
    ),
  MAX_BODY_BYTES: wholeNumber(1, 1_000_000_000)
    .default(DEFAULT_MAX_BODY_BYTES)
    .describe('Largest request body, and longest line of a stream, bytes'),
  MAX_PIXELS: wholeNumber(1, 1_000_000_000)
    .default(DEFAULT_MAX_PIXELS)
    .describe(
      'Largest width × height that is decoded, some 8 bytes of memory each; no side may be longer than 65,535 pixels',
    ),
  MODEL: z
    .string()
    .default(() => join(packageRoot(), 'models', 'mien-v1'))
    .meta({ description: 'Folder of the published model', shown: '`models/mien-v1`' }),
  BACKEND: z
    .enum(BACKENDS, `must be one of ${BACKENDS.join(', ')}`)
    .default('auto')
    .describe(
      'What infers: `node-gpu` (needs `@tensorflow/tfjs-node-gpu` and a GPU), `node` (needs `@tensorflow/tfjs-node`), `wasm`; ' +
        '`auto` takes the first of them that starts, and logs why it skips others',
    ),
  THREADS: wholeNumber(1, 64)
    .default(() => Math.min(availableParallelism(), MOST_THREADS))
    .meta({
      description: 'Threads that decode photos and find faces, and on `wasm` infer; some 90 MB each',
      shown: `one a core, at most ${MOST_THREADS}`,
    }),
  ...upstreamSettings.shape,
  BATCH_MAX: wholeNumber(1, 1024)
    .default(32)
    .describe('Most crops of concurrent requests that share one inference; 1 batches nothing'),
  BATCH_WAIT_MS: wholeNumber(0, 1000)
    .default(2)
    .describe(
      'How long a crop may wait for others to share its inference, milliseconds; 0 takes what is there',
    ),
  QUEUE_MAX: wholeNumber(1, 100_000)
    .default(256)
    .describe('Most crops that wait for an inference; beyond it 503 with `Retry-After`'),
  QUEUE_TIMEOUT_MS: wholeNumber(1, 60_000)
    .default(10_000)
    .describe(
      'Longest wait for a thread, of a photo and of its faces, and of a crop for an inference, milliseconds; after it 503',
    ),
  PHOTO_TIMEOUT_MS: wholeNumber(1, 600_000)
    .default(120_000)
    .describe('Longest work on finding the faces of a photo, milliseconds; after it 422, and another thread'),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl('http://localhost:4318')
    .optional()
    .describe(
      "OpenTelemetry collector that gets traces. Of OpenTelemetry's other variables these hold: `OTEL_SDK_DISABLED`, " +
        '`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` and its `_ARG`, `OTEL_BSP_*`, limits of spans and ' +
        'attributes, and of `OTEL_EXPORTER_OTLP_*` and `OTEL_EXPORTER_OTLP_TRACES_*` headers, time-out, compression and certificates',
    ),
});

export type Config = z.output<typeof settings> & { HOST: string };

/** Addresses that only this machine reaches. */
const isLoopback = (host: string) => /^(127\.|::1$|localhost$)/.test(host);

/**
 * Reads the configuration.
 *
 * @throws ConfigError naming every wrong variable, or where a network could ask without a key although nobody said so
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const config = readEnvironment(settings, env);
  const keyed = config.API_KEYS.length > 0;
  const { HOST = keyed ? '0.0.0.0' : '127.0.0.1' } = config;
  if (!keyed && config.ANONYMOUS !== 'allow' && !isLoopback(HOST)) {
    const wish = 'set API_KEYS, or ANONYMOUS=allow to answer everybody';
    throw new ConfigError(`HOST=${HOST}: others than this machine could ask without a key; ${wish}`);
  }
  return { ...config, HOST, ANONYMOUS: isLoopback(HOST) ? 'allow' : config.ANONYMOUS };
}
