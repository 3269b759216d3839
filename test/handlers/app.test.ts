import type { MiddlewareHandler } from 'hono';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadAssets, loadSite } from '../../src/assets/node.js';
import { createApp } from '../../src/handlers/app.js';
import { MienError } from '../../src/model/errors.js';
import { createRecognizer, type Recognizer } from '../../src/model/recognizer.js';
import { contract } from '../contract/contract.js';
import { astronautBytes } from '../support/pictures.js';
import { untrainedModel } from '../support/untrained.js';

const MAX_BODY_BYTES = 2 ** 20 * 2;

let recognizer: Recognizer;
beforeAll(async () => {
  recognizer = await createRecognizer({
    assets: await loadAssets(),
    model: untrainedModel(),
    backend: 'wasm',
  });
});

/** The app is made when first asked, since the recognizer is. */
const request = async (path: string, init?: RequestInit) =>
  createApp({ recognizer, ready: () => true, maxBodyBytes: MAX_BODY_BYTES, site: await loadSite() }).request(
    path,
    init,
  );

contract('app', request, {
  maxBodyBytes: MAX_BODY_BYTES,
  model: { name: 'untrained', version: '0.0.0' },
  backend: 'wasm',
});

describe('faults that are ours', () => {
  afterEach(() => vi.restoreAllMocks());

  const failing = (error: unknown) =>
    createApp({ recognizer: { ...recognizer, recognize: () => Promise.reject(error) }, ready: () => true });
  const post = { method: 'POST', body: 'x', headers: { 'x-request-id': 'req-1' } };

  test.each([
    ['a bug', new TypeError('secret /home/someone'), 500, 'internal'],
    ['broken weights', new MienError('invalid_weights', 'secret /home/someone'), 500, 'internal'],
    [
      'our own internal error',
      new MienError('internal', 'secret', { details: { secret: 1 } }),
      500,
      'internal',
    ],
    [
      'no backend',
      new MienError('backend_unavailable', 'secret', { details: { secret: 1 } }),
      503,
      'backend_unavailable',
    ],
    ['what has been disposed of', new MienError('not_ready', 'secret'), 503, 'not_ready'],
  ])('%s: says nothing of itself, and is logged', async (_, error, status, code) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    const response = await failing(error).request('/v1/expressions', post);
    expect(response.status).toBe(status);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({ error: { code, message: expect.any(String), requestId: 'req-1' } });
    expect(text).not.toMatch(/secret|someone|TypeError/);
    expect(response.headers.get('retry-after')).toBe(status === 503 ? '1' : null);
    expect(log).toHaveBeenCalledOnce();
    const [line] = log.mock.calls[0] as [string];
    expect(JSON.parse(line)).toMatchObject({
      level: 'error',
      requestId: 'req-1',
      path: '/v1/expressions',
      error: error.stack,
    });
  });

  test("the client's are not logged", async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    const response = await failing(new MienError('invalid_image', 'Cut off.')).request(
      '/v1/expressions',
      post,
    );
    expect(response.status).toBe(400);
    expect(log).not.toHaveBeenCalled();
  });
});

test('/readyz is 503 with Retry-After until ready, /healthz is not', async () => {
  let ready = false;
  const app = createApp({ recognizer, ready: () => ready });
  const early = await app.request('/readyz');
  expect(early.status).toBe(503);
  expect(early.headers.get('retry-after')).toBe('1');
  expect(await early.json()).toMatchObject({ error: { code: 'not_ready' } });
  expect((await app.request('/healthz')).status).toBe(200);
  ready = true;
  expect((await app.request('/readyz')).status).toBe(200);
});

test('a body that lies about its length is counted, not believed', async () => {
  const app = createApp({ recognizer, ready: () => true, maxBodyBytes: 1000 });
  const lying = { method: 'POST', body: astronautBytes(), headers: { 'content-length': '10' } };
  const response = await app.request('/v1/expressions', lying);
  expect(response.status).toBe(413);
});

test('a body that says it is too large is refused unread', async () => {
  const pull = vi.fn();
  const body = new ReadableStream({ pull }, { highWaterMark: 0 });
  const app = createApp({ recognizer, ready: () => true, maxBodyBytes: 1000 });
  const init = { method: 'POST', body, duplex: 'half', headers: { 'content-length': '1001' } };
  expect((await app.request('/v1/expressions', init as RequestInit)).status).toBe(413);
  expect(pull).not.toHaveBeenCalled();
});

test('a client that goes away while it sends has made a bad request', async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error('reset')) });
  const app = createApp({ recognizer, ready: () => true });
  const response = await app.request('/v1/expressions', {
    method: 'POST',
    body,
    duplex: 'half',
  } as RequestInit);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code: 'invalid_request' } });
});

test('whatever measures sees the status that is answered', async () => {
  const seen: number[] = [];
  const watch: MiddlewareHandler = async (c, next) => {
    await next();
    seen.push(c.res.status);
  };
  const app = createApp({ recognizer, ready: () => true, middleware: [watch] });
  const response = await app.request('/v1/expressions');
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  await app.request('/nothing');
  expect(seen).toEqual([405, 404]);
});

test.each([
  ['/v1/expressions', '{"image": "!"}', 'The field "image" is not base64.'],
  ['/v1/expressions/batch', '{"images": ["", "!"]}', 'The field "images.1" is not base64.'],
  ['/v1/expressions/stream', '{"image": "!"}', 'The field "image" is not base64.'],
  ['/huggingface', '{"inputs": "!"}', 'The field "inputs" is not base64.'],
  ['/v1/expressions', '{', 'The body is not JSON.'],
  ['/v1/expressions/stream', '{', 'The line is not JSON.'],
])('%s, of %s: %s', async (path, body, message) => {
  const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
  const response = await request(path, init);
  expect(await response.text()).toContain(JSON.stringify(message));
});

test.each([
  '__proto__',
  'constructor',
  'toString',
])('the parameter %s is refused as any other that there is not', async (name) => {
  const response = await request(`/v1/expressions?${name}=1`, { method: 'POST', body: astronautBytes() });
  expect(response.status).toBe(400);
});
