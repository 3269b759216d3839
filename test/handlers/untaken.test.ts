import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { endUntaken } from '../../src/handlers/node/untaken.js';

test('an answer that takes long to make is waited for', async () => {
  const server = createServer((_, answer) => setTimeout(() => answer.end('made'), 3000));
  endUntaken(server, 100);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('made');
  server.close();
});
