import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { load } from '../../scripts/lib/load.js';
import { astronaut, encodeJpeg } from '../support/pictures.js';
import { type Server, startServer, stopServer, untilReady } from '../support/server.js';

const [CLIENTS, SECONDS, MOST, QUEUE] = [64, 60, 16, 32];
/** Clients come again twice as often as Retry-After tells them, requests a second: they share the server's cores here. */
const PATIENCE = 2;

/** A figure of /metrics. */
const figure = (text: string, name: string) =>
  Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);

let server: Server;
beforeAll(async () => {
  server = await startServer({ MAX_CONCURRENT: `${MOST}`, QUEUE_MAX: `${QUEUE}` });
  await untilReady(server);
}, 60_000);
afterAll(() => stopServer(server));

test(
  `${CLIENTS} clients for ${SECONDS} s: who is let in is answered in time, the others are told to come again`,
  {
    timeout: 150_000,
  },
  async () => {
    const body = Buffer.from(await encodeJpeg(astronaut(), 90));
    const queues: number[] = [];
    const memory: number[] = [];
    let over = false;
    async function watch() {
      while (!over) {
        const text = await (await fetch(`${server.url}/metrics`)).text();
        queues.push(figure(text, 'mien_queue_length'));
        memory.push(figure(text, 'process_resident_memory_bytes') / 2 ** 20);
        await sleep(1000);
      }
    }
    const url = `${server.url}/v1/expressions?maxFaces=1`;
    // The first photos are slower: V8 compiles WebAssembly twice, the second time while it runs. And it takes some 500 until
    // the process has the memory that it keeps.
    await load({ url, body, clients: MOST, seconds: 30 });
    const watching = watch();
    const result = await load({ url, body, clients: CLIENTS, seconds: SECONDS, clientRate: PATIENCE });
    over = true;
    await watching;
    console.log(
      JSON.stringify({
        ...result,
        memory: [memory[0], memory[10], memory.at(-1)],
        queue: Math.max(...queues),
      }),
    );

    expect(result.errors).toBe(0);
    expect(Object.keys(result.statuses).sort()).toEqual(['200', '503']);
    expect(Math.max(...queues)).toBeLessThanOrEqual(QUEUE);
    // As many as are let in, each waiting for all before it. Counted in answers, since a shared machine is faster and slower
    // by half within a minute, and that is the whole server's time, no client's.
    expect(result.p99Meanwhile).toBeLessThanOrEqual(MOST * 1.5);
    expect(result.p99).toBeLessThanOrEqual((MOST / result.throughput) * 1000 * 2);
    // Flat once warm: the mean of the last ten seconds is not above that of seconds 10 to 20 by more than a tenth.
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(memory.slice(-10))).toBeLessThan(mean(memory.slice(10, 20)) * 1.1);
  },
);
