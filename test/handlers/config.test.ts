import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/assets/node.js';
import { readConfig } from '../../src/handlers/config.js';
import { ConfigError } from '../../src/handlers/environment.js';

test('has a default for everything', () => {
  expect(readConfig({ PATH: '/bin', PORT: '' })).toEqual({
    PORT: 8080,
    HOST: '127.0.0.1',
    MODEL: join(packageRoot(), 'models', 'mien-v1'),
    BACKEND: 'auto',
    MAX_PIXELS: 50_000_000,
    MAX_BODY_BYTES: 10_485_760,
    BATCH_MAX: 32,
    BATCH_WAIT_MS: 2,
    QUEUE_MAX: 256,
    QUEUE_TIMEOUT_MS: 10_000,
    PHOTO_TIMEOUT_MS: 120_000,
    RATE_LIMIT: 0,
    MAX_CONCURRENT: 64,
    RECEIVE_TIMEOUT_MS: 30_000,
    API_KEYS: [],
    ANONYMOUS: 'allow',
    CORS_ORIGINS: [],
    GPU_TIMEOUT_MS: 1000,
    THREADS: Math.min(availableParallelism(), 8),
  });
});

test('takes what is set', () => {
  const set = { PORT: '0', HOST: '::1', MODEL: 'm', BACKEND: 'node', MAX_PIXELS: '7', MAX_BODY_BYTES: '9' };
  expect(readConfig(set)).toMatchObject({ ...set, PORT: 0, MAX_PIXELS: 7, MAX_BODY_BYTES: 9 });
});

test('takes an address with a port or a number for its host', () => {
  for (const GPU_URL of ['http://localhost:8080', 'https://10.0.0.1/', 'http://[::1]:8080'])
    expect(readConfig({ GPU_URL }).GPU_URL).toBe(GPU_URL);
});

const HASH = 'a'.repeat(64);

test('listens to the network only where keys are asked for or nobody minds', () => {
  expect(readConfig({ API_KEYS: `${HASH}, ${HASH}` })).toMatchObject({
    HOST: '0.0.0.0',
    API_KEYS: [HASH, HASH],
  });
  expect(readConfig({ HOST: '0.0.0.0', ANONYMOUS: 'allow' })).toMatchObject({
    HOST: '0.0.0.0',
    API_KEYS: [],
  });
  expect(() => readConfig({ HOST: '0.0.0.0' })).toThrow(
    /could ask without a key; set API_KEYS, or ANONYMOUS=allow/,
  );
  expect(() => readConfig({ HOST: '127.0.0.1' })).not.toThrow();
});

test.each([
  // What should have been a hash may be the key itself.
  [{ API_KEYS: 'secret' }, 'API_KEYS: must be SHA-256 hashes, 64 hexadecimal digits each'],
  [
    { API_KEYS: 'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855' },
    'API_KEYS: has the hash of an empty key: was a variable not set?',
  ],
  ...['https://*.example.com', 'https://Example.com', 'https://b.example:443', 'https://b.example/'].map(
    (CORS_ORIGINS): [Record<string, string>, string] => [
      { CORS_ORIGINS },
      `CORS_ORIGINS=${CORS_ORIGINS}: must be origins such as https://example.com`,
    ],
  ),
  [{ CORS_ORIGINS: 'example.com' }, 'CORS_ORIGINS=example.com: must be origins such as https://example.com'],
  [{ ANONYMOUS: 'yes' }, 'ANONYMOUS=yes: must be allow or refuse'],
  [{ PORT: '65536' }, 'PORT=65536: must be at most 65535'],
  [{ PORT: '-1' }, 'PORT=-1: must be a whole number'],
  [{ MAX_BODY_BYTES: '10MB' }, 'MAX_BODY_BYTES=10MB: must be a whole number'],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' },
    'OTEL_EXPORTER_OTLP_ENDPOINT=collector: must be an address such as http://localhost:4318',
  ],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' },
    'OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318: must be an address such as http://localhost:4318',
  ],
  [{ GPU_URL: 'foo:bar' }, 'GPU_URL=foo:bar: must be an address such as https://gpu.example.com'],
  [
    { GPU_URL: 'ops:hunter2@host:99' },
    'GPU_URL=…@host:99: must be an address such as https://gpu.example.com',
  ],
  ...(
    [
      ['gpu.example.com', 'gpu.example.com'],
      ['10.0.0.5:8080', '10.0.0.5:8080'],
      ['https://u:sekret@:99999', '…@:99999'],
    ] as const
  ).map(([GPU_URL, shown]): [Record<string, string>, string] => [
    { GPU_URL },
    `GPU_URL=${shown}: must be an address such as https://gpu.example.com`,
  ]),
  ...(
    [
      ['https://u:sekret@host', '…@host'],
      ['https://host/?token=sekret', 'https://host/?…'],
      ['https://host/#sekret', 'https://host/#…'],
    ] as const
  ).map(([GPU_URL, shown]): [Record<string, string>, string] => [
    { GPU_URL },
    `GPU_URL=${shown}: must be an address without a name, a password, a query or a fragment`,
  ]),
  [{ BACKEND: 'gpu' }, 'BACKEND=gpu: must be one of auto, wasm, node, node-gpu'],
])('refuses %o', (env, message) => {
  expect(() => readConfig(env)).toThrow(new ConfigError(message));
});
