import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { load } from '../../scripts/lib/load.js';

let server: ReturnType<typeof createServer>;
afterEach(() => server.close());

const CLIENTS = 4;

/** The load of a server that answers one request after another, 2 ms each, as `next` chooses from those that wait. */
async function loadOf(next: (waiting: ServerResponse[]) => number) {
  const waiting: ServerResponse[] = [];
  server = createServer((request, response) => {
    request.resume();
    waiting.push(response);
  });
  const timer = setInterval(() => waiting.splice(next(waiting), 1)[0]?.end(), 2);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const result = await load({
    url: `http://127.0.0.1:${port}`,
    body: Buffer.from('x'),
    clients: CLIENTS,
    seconds: 2,
  });
  clearInterval(timer);
  return result;
}

it('counts what is answered while one waits: as many as there are clients where turns are taken', async () => {
  const { p99Meanwhile, statuses, errors } = await loadOf(() => 0);
  expect(errors).toBe(0);
  expect(statuses['200']).toBeGreaterThan(50);
  expect(p99Meanwhile).toBeGreaterThanOrEqual(CLIENTS - 1);
  expect(p99Meanwhile).toBeLessThanOrEqual(CLIENTS + 1);
});

it('sees that some wait longer than their turn', async () => {
  // The last to come goes first, but now and then the first.
  let turns = 0;
  const { p99Meanwhile } = await loadOf((waiting) => (++turns % 20 ? waiting.length - 1 : 0));
  expect(p99Meanwhile).toBeGreaterThan(3 * CLIENTS);
});
