import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { astronautBytes } from '../support/pictures.js';
import { runToEnd, type Server, startServer, stopServer, untilReady } from '../support/server.js';
import { untrainedFolder } from '../support/untrained.js';

const { folder, remove } = untrainedFolder();
afterAll(remove);

/** A port that was free a moment ago. */
async function freePort(): Promise<string> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return `${port}`;
}

describe('serve', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({ MODEL: folder, SAGEMAKER_BIND_TO_PORT: await freePort() }, 'serve');
    await untilReady(server);
  }, 60_000);
  afterAll(() => stopServer(server));

  const invoke = async (body: BodyInit, type: string) => {
    const init = { method: 'POST', body, headers: { 'content-type': type } };
    const response = await fetch(`${server.url}/invocations`, init);
    return { status: response.status, answer: await response.json() };
  };

  test('answers /ping', async () => {
    expect((await fetch(`${server.url}/ping`)).status).toBe(200);
  });

  test('takes photos', async () => {
    const photo = astronautBytes();
    const image = Buffer.from(photo).toString('base64');
    for (const sent of [
      await invoke(photo, 'image/png'),
      await invoke(photo, 'application/octet-stream'),
      await invoke(JSON.stringify({ image }), 'application/json'),
    ]) {
      expect(sent.status).toBe(200);
      expect(sent.answer.faces).toHaveLength(1);
    }
  });

  test('takes inference requests', async () => {
    const data = Array.from({ length: 2304 }, (_, at) => at % 256);
    const request = { inputs: [{ name: 'crops', datatype: 'UINT8', shape: [1, 48, 48, 1], data }] };
    const { status, answer } = await invoke(JSON.stringify(request), 'application/json');
    expect(status).toBe(200);
    expect(answer.outputs[0].shape).toEqual([1, 7]);
  });

  test('refuses what is neither', async () => {
    expect((await invoke('hello', 'text/plain')).status).toBe(415);
    expect((await invoke('{', 'application/json')).status).toBe(400);
    const { status, answer } = await invoke('{"inputs": []}', 'application/json');
    expect(status).toBe(400);
    expect(answer.error).toMatchObject({ code: 'invalid_request' });
  });
});

test('knows no other argument', async () => {
  const { code, stderr } = await runToEnd({}, 'train');
  expect(code).toBe(1);
  expect(stderr).toBe('error: The only argument is "serve".\n');
});

test(
  'under load, SIGTERM lets every accepted request have its answer, and no other',
  { timeout: 60_000 },
  async () => {
    const server = await startServer({ MODEL: folder });
    await untilReady(server);
    let [answers, refused, stopped] = [0, 0, false];
    const photo = astronautBytes();
    async function client(): Promise<void> {
      for (;;) {
        try {
          const response = await fetch(`${server.url}/v1/expressions`, { method: 'POST', body: photo });
          expect((await response.json()).faces).toHaveLength(1);
          answers++;
        } catch (error) {
          if (!(error instanceof TypeError && stopped)) throw error;
          refused++; // connection refused, or reset before it was accepted
          return;
        }
      }
    }
    const clients = Array.from({ length: 8 }, client);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const readiness = Number((await fetch(`${server.url}/healthz`)).ok);
    const began = performance.now();
    const before = answers;
    stopped = true;
    const code = await stopServer(server);
    await Promise.all(clients);
    expect(code).toBe(0);
    expect(performance.now() - began).toBeLessThan(30_000);
    expect([before > 0, refused]).toEqual([true, 8]); // the controls: there was load, and an end to it
    const last = server.output().trim().split('\n').at(-1) as string;
    const { message, accepted, answered } = JSON.parse(last);
    expect(message).toBe('stopped');
    expect(accepted).toBe(answered);
    // Counted by the clients, with what untilReady has asked: none was accepted and then dropped.
    expect(accepted).toBe(answers + server.probes + readiness);
  },
);
