import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pngClaiming } from '../contract/requests.js';
import { astronautBytes } from '../support/pictures.js';
import { type Server, startServer, stopServer, untilReady } from '../support/server.js';
import { untrainedFolder } from '../support/untrained.js';

/** What a stranger may send a real server: each has its documented answer, within the time-outs, and nobody else waits. */
const { folder, remove } = untrainedFolder();
let server: Server;
beforeAll(async () => {
  server = await startServer({ MODEL: folder, RECEIVE_TIMEOUT_MS: '1500', MAX_CONCURRENT: '4' });
  await untilReady(server);
}, 30_000);
afterAll(async () => {
  await stopServer(server);
  remove();
});

const send = (body: BodyInit | Uint8Array, headers: Record<string, string> = {}, path = '/v1/expressions') =>
  fetch(server.url + path, { method: 'POST', body: body as BodyInit, headers });
const json = { 'content-type': 'application/json' };
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

function manyParts(count: number): FormData {
  const form = new FormData();
  for (let part = 0; part < count; part++) form.append(`field${part}`, 'x');
  return form;
}

test('who sends too much and wants the connection closed is told so, once all is sent', async () => {
  const { hostname, port } = new URL(server.url);
  const body = new Uint8Array(20_000_000);
  const socket = connect({ host: hostname, port: Number(port) });
  const head = ['POST /v1/expressions HTTP/1.1', 'Host: mien', 'Connection: close'];
  socket.write(`${[...head, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n`);
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  // An error where the server hangs up on what is still being sent.
  const sent = new Promise((done) => socket.once('error', done).write(body, done));
  await once(socket, 'end');
  expect(await sent).toBeFalsy();
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  expect(answer).toContain('body_too_large');
}, 10_000);

describe('one odd request', () => {
  test.each<[string, () => Promise<Response>, number, string]>([
    ['20 MB', () => send(new Uint8Array(20_000_000)), 413, 'body_too_large'],
    ['300 MP, as a header says', () => send(pngClaiming(17_321)), 413, 'image_too_large'],
    ['1,000 tiny parts', () => send(manyParts(1000)), 400, 'invalid_request'],
    ['JSON a million deep', () => send(nested(1_000_000), json), 400, 'invalid_request'],
    ['an image a million deep', () => send(`{"image":${nested(1_000_000)}}`, json), 400, 'invalid_request'],
    [
      'a tensor a million deep',
      () =>
        send(
          `{"inputs":[{"name":"crops","datatype":"UINT8","shape":[1,48,48,1],"data":${nested(1_000_000)}}]}`,
          json,
          '/v2/models/mien/infer',
        ),
      400,
      'invalid_request',
    ],
    ['a __proto__', () => send('{"__proto__":{"image":"x"},"image":7}', json), 400, 'invalid_request'],
  ])('%s is refused in time', async (_, ask, status, code) => {
    const began = performance.now();
    const response = await ask();
    const body = await response.json();
    expect(response.status).toBe(status);
    expect(body.error.code ?? body.code).toBe(code);
    expect(performance.now() - began).toBeLessThan(1500);
  });
});

/** Opens a connection, writes, and gives what comes until it is closed. */
async function dialogue(
  first: string,
  then?: (socket: Socket) => void,
): Promise<{ text: string; ms: number }> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  const began = performance.now();
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  socket.write(first);
  then?.(socket);
  await once(socket, 'close');
  return { text, ms: performance.now() - began };
}

/** A byte every 100 ms. */
function drip(byte: string) {
  return (socket: Socket) => {
    const timer = setInterval(() => socket.write(byte), 100);
    socket.once('close', () => clearInterval(timer));
  };
}

const HEAD = 'POST /v1/expressions HTTP/1.1\r\nHost: mien\r\nContent-Length: 100000\r\n';

describe('slow clients', () => {
  test('who drip headers are cut off', async () => {
    const { text, ms } = await dialogue(HEAD, drip('X'));
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(ms).toBeLessThan(1500 + 1500); // Node looks every second
  });

  test('who drip bodies are answered, and cut off', async () => {
    const { text, ms } = await dialogue(`${HEAD}\r\n`, drip('x'));
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toContain('"code":"request_timeout"');
    expect(ms).toBeLessThan(1500 + 500);
  });

  test('who are refused and drip on are cut off', async () => {
    const { text, ms } = await dialogue(`${HEAD.replace('/v1/expressions', '/v1/nothing')}\r\n`, drip('x'));
    expect(text).toMatch(/^HTTP\/1\.1 404 /);
    expect(ms).toBeLessThan(1500 + 500);
  });

  test('who drip what nobody reads are answered, and cut off', async () => {
    const { text, ms } = await dialogue(
      `${HEAD.replace('POST /v1/expressions', 'GET /healthz')}\r\n`,
      drip('x'),
    );
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(ms).toBeLessThan(1500 + 500);
  });

  test('who drip a frame are answered, and their stream ends', async () => {
    const head = HEAD.replace('/v1/expressions', '/v1/expressions/stream');
    const { text, ms } = await dialogue(`${head}\r\n{"image": 7}\n`, drip('x'));
    expect(text).toContain('"frame":0,"error":{"code":"invalid_request"');
    expect(text).toMatch(/"frame":1,"error":\{"code":"request_timeout".*"final":true\}/);
    expect(ms).toBeLessThan(1500 + 1000);
  });

  test('who take nothing of their answers are cut off', async () => {
    const [asked, path] = [20, '/browser/mien.js'];
    const each = (await (await fetch(server.url + path)).arrayBuffer()).byteLength;
    const one = `GET ${path} HTTP/1.1\r\nHost: mien\r\n\r\n`;
    const last = one.replace('Host', 'Connection: close\r\nHost');
    const { text } = await dialogue(one.repeat(asked - 1) + last, (socket) => {
      socket.pause();
      // Node waits once more where something moved within its time.
      setTimeout(() => socket.resume(), 2 * (1500 + 2000) + 1000);
    });
    expect(text.length).toBeLessThan(asked * each);
  });

  test('who take their time between requests are not', async () => {
    const { text } = await dialogue('GET /healthz HTTP/1.1\r\nHost: mien\r\n\r\n', (socket) => {
      const last = 'GET /healthz HTTP/1.1\r\nHost: mien\r\nConnection: close\r\n\r\n';
      setTimeout(() => socket.write(last), 1500 + 2000 + 1500);
    });
    expect(text.match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
  });

  test('take places, and beyond those the next is told to come again; then it is answered', async () => {
    const slow = Array.from({ length: 4 }, () => dialogue(`${HEAD}\r\n`));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const refused = await send(astronautBytes());
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await refused.json()).error.code).toBe('overloaded');
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    await Promise.all(slow);
    expect((await send(astronautBytes())).status).toBe(200);
  });
});

test('nothing of it was our fault', () => {
  expect(server.output()).not.toMatch(/"level":"error"|at .*\.ts:/);
});
