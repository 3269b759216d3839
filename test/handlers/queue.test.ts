/** The queue as clients meet it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { infer } from '../support/infer.js';
import { type Server, startServer, stopServer, untilReady } from '../support/server.js';
import { untrainedFolder } from '../support/untrained.js';

const { folder, remove } = untrainedFolder();
afterAll(remove);

const crops = (count: number) => new Uint8Array(count * 48 * 48).fill(100);

describe('a queue of at most three crops that wait for a second', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({ MODEL: folder, BATCH_WAIT_MS: '1000', QUEUE_MAX: '3' });
    await untilReady(server);
  }, 60_000);
  afterAll(() => stopServer(server));

  async function figure(pattern: RegExp): Promise<number> {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(pattern.exec(text)?.[1] ?? Number.NaN);
  }
  const waiting = () => figure(/^mien_queue_length\{[^}]*\} (\d+)$/m);
  async function until(count: number): Promise<void> {
    for (let attempt = 0; attempt < 100 && (await waiting()) !== count; attempt++) await sleep(5);
    expect(await waiting()).toBe(count);
  }

  test('refuses what is too much, and answers who waits', async () => {
    const patient = infer(server.url, crops(2));
    await until(2);
    const refused = await infer(server.url, crops(2));
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await refused.json()).toMatchObject({ code: 'queue_full' });
    const last = infer(server.url, crops(1));
    expect((await patient).status).toBe(200);
    expect((await last).status).toBe(200);
    expect(await waiting()).toBe(0);
    // Both in one inference, after a wait of a second.
    expect(await figure(/^mien_batch_size_sum\{[^}]*\} (\d+)$/m)).toBe(3);
    expect(
      await figure(/^mien_stage_duration_seconds_sum\{[^}]*stage="queue"[^}]*\} (\S+)$/m),
    ).toBeGreaterThan(1);
  });

  test('lets go of a client that closes its connection', async () => {
    const client = new AbortController();
    const gone = infer(server.url, crops(3), { signal: client.signal });
    await until(3);
    client.abort();
    await expect(gone).rejects.toThrow(/abort/);
    await until(0);
    expect((await infer(server.url, crops(3))).status).toBe(200);
  });
});

test('nobody waits beyond the deadline', { timeout: 60_000 }, async () => {
  const server = await startServer({ MODEL: folder, BATCH_WAIT_MS: '1000', QUEUE_TIMEOUT_MS: '50' });
  await untilReady(server);
  const late = await infer(server.url, crops(1));
  expect(late.status).toBe(503);
  expect(late.headers.get('retry-after')).toBe('1');
  expect(await late.json()).toMatchObject({ code: 'deadline_exceeded' });
  expect(await stopServer(server)).toBe(0);
});
