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

test('a wrong port is named by the variable that sets it', async () => {
  const { code, stderr } = await runToEnd({ MODEL: folder, SAGEMAKER_BIND_TO_PORT: 'x' }, 'serve');
  expect(code).toBe(1);
  expect(stderr).toBe('error: SAGEMAKER_BIND_TO_PORT=x: must be a whole number\n');
});
