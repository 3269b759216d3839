import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { afterEach, expect, test, vi } from 'vitest';
import { createApp } from '../../src/handlers/app.js';
import { logged } from '../../src/handlers/middleware/logged.js';
import type { Recognizer } from '../../src/model/recognizer.js';

afterEach(() => vi.restoreAllMocks());

/** Recognizes nothing: fails with whatever reason its caller gives up for. */
function patient() {
  const asked = vi.fn();
  const recognize: Recognizer['recognize'] = (_, options) =>
    new Promise((_resolve, reject) => {
      const signal = options?.signal as AbortSignal;
      signal.addEventListener('abort', () => reject(signal.reason));
      asked();
    });
  return {
    asked,
    app: createApp({ recognizer: { recognize } as Recognizer, ready: () => true, middleware: [logged] }),
  };
}

test.each([
  '/v1/expressions',
  '/v1/expressions/batch',
])('%s: on Node, whoever leaves is logged as 499', async (path) => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const error = vi.spyOn(console, 'error');
  const { app, asked } = patient();
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  await once(server, 'listening');
  const client = new AbortController();
  const { port } = server.address() as AddressInfo;
  const body = JSON.stringify(path.endsWith('batch') ? { images: ['AAAA'] } : { image: 'AAAA' });
  const headers = { 'content-type': 'application/json' };
  const answer = fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body,
    headers,
    signal: client.signal,
  });
  await vi.waitFor(() => expect(asked).toHaveBeenCalled());
  client.abort();
  await expect(answer).rejects.toThrow();
  await vi.waitFor(() => expect(log).toHaveBeenCalled());
  expect(JSON.parse(log.mock.calls[0]?.[0])).toMatchObject({ route: path, status: 499 });
  expect(error).not.toHaveBeenCalled();
  server.close();
});

test('a stream whose client has gone has no more answers', async () => {
  const error = vi.spyOn(console, 'error');
  vi.spyOn(console, 'log').mockImplementation(() => {});
  const { app, asked } = patient();
  const client = new AbortController();
  const init = { method: 'POST', body: '{"image": "AAAA"}\n', signal: client.signal };
  const response = await app.request('/v1/expressions/stream', init);
  await vi.waitFor(() => expect(asked).toHaveBeenCalled());
  client.abort('gone');
  expect(await response.text()).toBe('');
  expect(error).not.toHaveBeenCalled();
});

test('what is thrown that is no error, and no client’s going, is our fault', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  const recognize = () => Promise.reject('text');
  const app = createApp({ recognizer: { recognize } as unknown as Recognizer, ready: () => true });
  const response = await app.request('/v1/expressions', { method: 'POST', body: 'x' });
  expect(response.status).toBe(500);
  expect(error).toHaveBeenCalledOnce();
});
