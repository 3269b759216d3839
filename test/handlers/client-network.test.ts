import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { networkOf } from '../../src/handlers/client-network.js';
import type { AppEnv } from '../../src/handlers/env.js';
import { clientLimit } from '../../src/handlers/middleware/client-limit.js';
import { useErrorEnvelope } from '../../src/handlers/middleware/errors.js';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:0DB8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
  ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
  ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64'],
  ['2001:db8::', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['unknown', 'unknown'],
])('%s is counted as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test('all addresses of a network have one share of a minute', async () => {
  const app = new Hono<AppEnv>();
  useErrorEnvelope(app);
  app.use(clientLimit(2)).get('/', (c) => c.text('answered'));
  const asked = async (remoteAddress: string) =>
    (await app.request('/', {}, { incoming: { socket: { remoteAddress } } })).status;
  const addresses = ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:0:1::1', '192.0.2.7'];
  expect(await Promise.all(addresses.map(asked))).toEqual([200, 200, 429, 200, 200]);
});
