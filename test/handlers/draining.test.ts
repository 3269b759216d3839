import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, expect, test, vi } from 'vitest';
import type { AppEnv } from '../../src/handlers/env.js';
import { createDraining } from '../../src/handlers/node/draining.js';

afterEach(() => vi.restoreAllMocks());

test('a client that is slow to read has all of its answer before the server stops', async () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as never);
  const BYTES = 40_000_000; // more than the buffers of a connection hold
  const draining = createDraining();
  const app = new Hono<AppEnv>().use(draining.middleware).get('/', (c) => c.body(new Uint8Array(BYTES)));
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: mien\r\n\r\n');
  await once(socket, 'readable');
  draining.drain(server as never, 0);
  await sleep(2500); // longer than a silent connection is left to itself
  let received = 0;
  for await (const chunk of socket) received += chunk.length;
  expect(received).toBeGreaterThan(BYTES);
  await vi.waitFor(() => expect(exit).toHaveBeenCalledExactlyOnceWith(0));
});

test('of a client that asked on without waiting and has gone, nothing is waited for or worked on', async () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as never);
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const [asked, gone] = [vi.fn(), vi.fn()];
  const draining = createDraining();
  const app = new Hono<AppEnv>().use(draining.middleware).get('/', async (c) => {
    const { signal } = c.req.raw;
    signal.addEventListener('abort', gone);
    asked();
    await once(signal, 'abort');
    return c.text('too late');
  });
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: mien\r\n\r\n'.repeat(3));
  await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(3));
  socket.destroy();
  await vi.waitFor(() => expect(gone).toHaveBeenCalledTimes(3));
  draining.drain(server as never, 0);
  await vi.waitFor(() => expect(exit).toHaveBeenCalledExactlyOnceWith(0));
  expect(JSON.parse(log.mock.calls[0]?.[0])).toMatchObject({ accepted: 3, answered: 3 });
});

test('a connection may ask any number of times without waiting, and nothing of it is kept', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const app = new Hono<AppEnv>().use(createDraining().middleware).get('/', async (c) => {
    await sleep(50);
    return c.text('answered');
  });
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  await once(server, 'listening');
  const connected = once(server, 'connection');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [connection] = await connected;
  const before = connection.listenerCount('close');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write('GET / HTTP/1.1\r\nHost: mien\r\n\r\n'.repeat(400));
  await vi.waitFor(() => expect(connection.listenerCount('close')).toBeGreaterThan(before + 100)); // the control
  await vi.waitFor(() => expect(text.split('answered')).toHaveLength(401), 10_000);
  expect(connection.listenerCount('close')).toBe(before);
  expect(warned).not.toHaveBeenCalled();
  socket.destroy();
  server.close();
});
