import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/assets/node.js';
import { ConfigError, readConfig } from '../../src/handlers/config.js';

test('has a default for everything', () => {
  expect(readConfig({ PATH: '/bin', PORT: '' })).toEqual({
    PORT: 8080,
    HOST: '0.0.0.0',
    MODEL: join(packageRoot(), 'models', 'mien-v1'),
    BACKEND: 'wasm',
    MAX_PIXELS: 50_000_000,
    MAX_BODY_BYTES: 10_485_760,
    BATCH_MAX: 32,
    BATCH_WAIT_MS: 2,
    QUEUE_MAX: 256,
    QUEUE_TIMEOUT_MS: 10_000,
  });
});

test('takes what is set', () => {
  const set = { PORT: '0', HOST: '::1', MODEL: 'm', BACKEND: 'node', MAX_PIXELS: '7', MAX_BODY_BYTES: '9' };
  expect(readConfig(set)).toMatchObject({ ...set, PORT: 0, MAX_PIXELS: 7, MAX_BODY_BYTES: 9 });
});

test.each([
  [{ PORT: '65536' }, 'PORT=65536: must be at most 65535'],
  [{ PORT: '-1' }, 'PORT=-1: must be a whole number'],
  [{ MAX_BODY_BYTES: '10MB' }, 'MAX_BODY_BYTES=10MB: must be a whole number'],
  [{ BACKEND: 'gpu' }, 'BACKEND=gpu: must be one of wasm, node, node-gpu'],
])('refuses %o', (env, message) => {
  expect(() => readConfig(env)).toThrow(new ConfigError(message));
});
