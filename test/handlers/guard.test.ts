import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadAssets } from '../../src/assets/node.js';
import { createApp } from '../../src/handlers/app.js';
import { type Guard, readGuard } from '../../src/handlers/guard.js';
import { createRecognizer, type Recognizer } from '../../src/model/recognizer.js';
import { startServer, stopServer, untilReady } from '../support/server.js';
import { untrainedFolder, untrainedModel } from '../support/untrained.js';

const hash = (key: string) => createHash('sha256').update(key).digest('hex');
const [OLD, NEW] = ['old-key', 'new-key'];

let recognizer: Recognizer;
beforeAll(async () => {
  recognizer = await createRecognizer({
    assets: await loadAssets(),
    model: untrainedModel(),
    backend: 'wasm',
  });
});

const app = (env: Record<string, string>) => {
  const guard: Guard = readGuard(env);
  return createApp({ recognizer, ready: () => true, guard: () => guard });
};
const KEYED = { API_KEYS: `${hash(OLD)},${hash(NEW).toUpperCase()}` };
const ask = (env: Record<string, string>, headers: Record<string, string> = {}, path = '/v1/expressions') =>
  app(env).request(path, { method: 'POST', body: 'not a picture', headers });

describe('keys', () => {
  test.each([
    [{ authorization: `Bearer ${OLD}` }],
    [{ authorization: `bearer ${NEW}` }],
    [{ 'x-api-key': NEW }],
  ])('%o is let through', async (headers) => {
    expect((await ask(KEYED, headers)).status).toBe(415); // by the route, which sees no picture
  });

  test.each([
    [{}],
    [{ authorization: 'Bearer wrong' }],
    [{ authorization: `Basic ${OLD}` }],
    [{ authorization: 'Bearer' }],
    [{ 'x-api-key': hash(OLD) }],
    [{ 'x-api-key': '' }],
  ])('%o is refused', async (headers) => {
    const response = await ask(KEYED, headers);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect((await response.json()).error).toMatchObject({
      code: 'unauthorized',
      message: 'This needs a valid API key.',
    });
  });

  test.each([
    'clé-à-moi',
    'ключ',
    '鍵🔑',
  ])('%s is let through, however the runtime reads headers', async (key) => {
    const env = { API_KEYS: hash(key) };
    const bytes = Buffer.from(key).toString('latin1'); // as Node gives them
    for (const text of /^[\0-\xff]*$/.test(key) ? [bytes, key] : [bytes])
      for (const headers of [{ authorization: `Bearer ${text}` }, { 'x-api-key': text }])
        expect((await ask(env, headers)).status).toBe(415);
    expect((await ask(env, { 'x-api-key': `${bytes}.` })).status).toBe(401);
  });

  test('an empty one is none, even where somebody has set its hash', async () => {
    const app = createApp({
      recognizer,
      ready: () => true,
      guard: () => ({ keys: [hash('')], anonymous: false, corsOrigins: [] }),
    });
    for (const headers of [{}, { 'x-api-key': '' }, { authorization: 'Bearer ' }])
      expect((await app.request('/v2', { headers })).status).toBe(401);
  });

  test('are asked for by everything that computes, and by nothing else', async () => {
    for (const path of ['/v1/expressions', '/v2/models/mien/infer', '/invocations'])
      expect((await ask(KEYED, {}, path)).status).toBe(401);
    for (const path of ['/v2', '/v2/models/mien']) expect((await app(KEYED).request(path)).status).toBe(401);
    for (const path of ['/healthz', '/readyz', '/v2/health/live', '/v2/health/ready'])
      expect((await app(KEYED).request(path)).status).toBe(200);
  });

  test('without any, nobody is answered unless that is said', async () => {
    expect((await ask({})).status).toBe(401);
    expect((await ask({ ANONYMOUS: 'allow' })).status).toBe(415);
    // A key's absence does not open what has keys.
    expect((await ask({ ...KEYED, ANONYMOUS: 'allow' })).status).toBe(401);
  });
});

describe('other origins', () => {
  const from = (origin: string, env: Record<string, string>) =>
    app({ ...KEYED, ...env }).request('/v1/expressions', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
  const env = { CORS_ORIGINS: 'https://one.example, https://two.example' };

  test('on the list may ask, and may read answers', async () => {
    const leave = await from('https://two.example', env);
    expect(leave.status).toBe(204);
    expect(leave.headers.get('access-control-allow-origin')).toBe('https://two.example');
    expect(leave.headers.get('access-control-allow-headers')).toBe('authorization');
    expect(leave.headers.get('access-control-allow-methods')).toBe('GET,POST');
    expect(leave.headers.get('access-control-max-age')).toBe('600');
    const answer = await ask({ ...KEYED, ...env }, { origin: 'https://one.example', 'x-api-key': OLD });
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://one.example');
    expect(answer.headers.get('access-control-expose-headers')).toBe(
      'Retry-After,X-Request-Id,Inference-Header-Content-Length',
    );
  });

  test.each([
    ['https://three.example', env],
    ['https://one.example', {}],
    ['https://one.example.evil', env],
  ])('%s with %o may not', async (origin, settings) => {
    expect((await from(origin, settings)).headers.get('access-control-allow-origin')).toBeNull();
  });
});

test('every answer tells browsers not to guess, frame or refer', async () => {
  const { headers } = await app(KEYED).request('/healthz');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
});

test('the server gives every key its share of a minute', async () => {
  const model = untrainedFolder();
  const server = await startServer({ MODEL: model.folder, ...KEYED, RATE_LIMIT: '3' });
  await untilReady(server);
  const asked = async (key: string) =>
    await fetch(`${server.url}/v1/expressions`, { method: 'POST', body: 'x', headers: { 'x-api-key': key } });
  const statuses = [];
  for (let at = 0; at < 4; at++) statuses.push((await asked(OLD)).status);
  expect(statuses).toEqual([415, 415, 415, 429]);
  const refused = await asked(OLD);
  expect((await refused.json()).error.code).toBe('rate_limited');
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
  expect((await asked(NEW)).status).toBe(415);
  expect((await asked('wrong')).status).toBe(401);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  await stopServer(server);
  model.remove();
}, 30_000);
