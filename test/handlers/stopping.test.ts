/** What becomes of requests when the server is told to go, and of the next server when it was not asked. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { infer } from '../support/infer.js';
import { hasNative } from '../support/native.js';
import { astronautBytes } from '../support/pictures.js';
import { type Server, startServer, stopServer, untilReady } from '../support/server.js';
import { untrainedFolder } from '../support/untrained.js';

const { folder, remove } = untrainedFolder();
afterAll(remove);

const photo = astronautBytes();
const crop = new Uint8Array(48 * 48).fill(100);

/** Asks again and again until the server has gone; counts the answers. */
function askFrom(clients: number, url: string) {
  const counts = { answers: 0, refused: 0 };
  let stopped = false;
  const ask = [
    async () => {
      const response = await fetch(`${url}/v1/expressions`, { method: 'POST', body: photo });
      expect((await response.json()).faces).toHaveLength(1);
    },
    async () => {
      const response = await infer(url, crop);
      expect((await response.json()).outputs[0].data).toHaveLength(7);
    },
  ];
  async function client(index: number): Promise<void> {
    for (;;) {
      try {
        await ask[index % ask.length]?.();
        counts.answers++;
      } catch (error) {
        if (!(error instanceof TypeError && stopped)) throw error;
        counts.refused++; // connection refused, or reset before it was accepted
        return;
      }
    }
  }
  const asking = Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
  return {
    counts,
    /** Failures are none from now on. */
    expectEnd: () => {
      stopped = true;
    },
    end: asking,
  };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<string> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return `${port}`;
}

describe.each(hasNative() ? ['wasm', 'node'] : ['wasm'])('on %s, under load', (backend) => {
  const env = { MODEL: folder, BACKEND: backend };

  test('SIGTERM lets every accepted request have its answer, and no other', { timeout: 90_000 }, async () => {
    const server = await startServer(env);
    await untilReady(server);
    const load = askFrom(8, server.url);
    await sleep(1000);
    const readiness = Number((await fetch(`${server.url}/healthz`)).ok);
    const before = load.counts.answers;
    const began = performance.now();
    load.expectEnd();
    const code = await stopServer(server);
    await load.end;
    expect(code).toBe(0);
    expect(performance.now() - began).toBeLessThan(30_000);
    // The controls: there was load, and an end to it.
    expect([before > 0, load.counts.refused]).toEqual([true, 8]);
    const last = server.output().trim().split('\n').at(-1) as string;
    const { message, accepted, answered } = JSON.parse(last);
    expect(message).toBe('stopped');
    expect(accepted).toBe(answered);
    // Counted by the clients, with what untilReady has asked: none was accepted and then dropped.
    expect(accepted).toBe(load.counts.answers + server.probes + readiness);
  });

  test('kill -9 leaves nothing that keeps the next from starting as fast', { timeout: 120_000 }, async () => {
    const port = await freePort();
    async function started(): Promise<{ server: Server; ms: number }> {
      const began = performance.now();
      const server = await startServer({ ...env, PORT: port });
      await untilReady(server);
      return { server, ms: performance.now() - began };
    }
    const cold = await started();
    const load = askFrom(8, cold.server.url);
    await sleep(500);
    load.expectEnd();
    cold.server.process.kill('SIGKILL');
    await load.end;
    const again = await started();
    expect((await infer(again.server.url, crop)).status).toBe(200);
    expect(await stopServer(again.server)).toBe(0);
    console.log(
      `${backend}: ready ${Math.round(cold.ms)} ms after a first start, ${Math.round(again.ms)} ms after kill -9`,
    );
    // As long as the first took, and as much again and two seconds for a machine that does other things as well.
    expect(again.ms).toBeLessThan(2 * cold.ms + 2000);
  });
});

test('a connection on which nothing comes does not keep it from stopping', { timeout: 60_000 }, async () => {
  const server = await startServer({ MODEL: folder });
  await untilReady(server);
  const silent = connect(Number(new URL(server.url).port), '127.0.0.1');
  await once(silent, 'connect');
  const began = performance.now();
  expect(await stopServer(server)).toBe(0);
  expect(performance.now() - began).toBeLessThan(20_000); // of 25 s, after which it stops whatever happens
  silent.destroy();
});

test('whoever sends a body while signals come and come has an answer', { timeout: 60_000 }, async () => {
  const server = await startServer({ MODEL: folder });
  await untilReady(server);
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write('POST /v1/expressions HTTP/1.1\r\nHost: mien\r\nContent-Length: 8\r\n\r\nhalf');
  await sleep(200);
  const code = stopServer(server);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGINT'] as const) {
    await sleep(200);
    server.process.kill(signal);
  }
  await sleep(200);
  socket.write('full');
  let text = '';
  for await (const chunk of socket) text += chunk;
  expect(text).toMatch(/^HTTP\/1\.1 415 /);
  expect(await code).toBe(0);
});
