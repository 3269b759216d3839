import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { expect, test, vi } from 'vitest';
import type { AppEnv } from '../../src/handlers/env.js';
import { createDraining } from '../../src/handlers/node/draining.js';

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
