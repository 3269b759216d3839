/** The client and servers that speak real HTTP: what becomes of a request's body depends on the connection below it. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ClientError, createClient, type FrameAnswer } from '../../src/client.js';
import { type AppOptions, createApp } from '../../src/handlers/app.js';
import type { Recognition } from '../../src/model/recognizer.js';
import { astronautBytes } from '../support/pictures.js';

const photo = astronautBytes();
const KEY = 'secret';
const keys = [createHash('sha256').update(KEY).digest('hex')];

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  vi.restoreAllMocks();
});

async function addressOf(server: Server): Promise<string> {
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  if (!server.listening) await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** mien's app, which sees no face in anything. */
function appServer(options: Partial<AppOptions> = {}): Promise<string> {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  const recognizer = { recognize: async () => ({ faces: [] as unknown }) as Recognition };
  const { fetch } = createApp({
    recognizer: recognizer as unknown as AppOptions['recognizer'],
    ready: () => true,
    guard: () => ({ keys, anonymous: false, corsOrigins: [] }),
    ...options,
  });
  return addressOf(serve({ fetch, port: 0, hostname: '127.0.0.1' }) as Server);
}

const otherServer = (listener: RequestListener) => addressOf(createServer(listener).listen(0, '127.0.0.1'));
const answering =
  (type: string, body: string): RequestListener =>
  (request, response) => {
    request.resume();
    response.setHeader('content-type', type).end(body);
  };

const failure = (work: Promise<unknown>): Promise<ClientError> =>
  work.then(
    (value) => expect.fail(`It answered ${JSON.stringify(value)}`),
    (error) => error,
  );

async function all(answers: AsyncIterable<FrameAnswer>): Promise<FrameAnswer[]> {
  const list = [];
  for await (const answer of answers) list.push(answer);
  return list;
}

/** Frames as good as without end, and how many of them have been made. */
function camera(pauseMs?: number) {
  const state = { made: 0, stopped: false };
  async function* frames() {
    try {
      while (state.made < 100_000) {
        state.made++;
        if (pauseMs) await sleep(pauseMs);
        yield photo.subarray(0, 300);
      }
    } finally {
      state.stopped = true;
    }
  }
  return { state, frames: frames() };
}

describe('a stream of frames', () => {
  test.each([
    undefined,
    5,
  ])('stops its source where its reader stops (a frame every %s ms)', async (pause) => {
    const { state, frames } = camera(pause);
    const client = createClient({ url: await appServer(), key: KEY });
    for await (const { frame } of client.recognizeStream(frames)) if (frame === 2) break;
    await vi.waitFor(() => expect(state.stopped).toBe(true));
    expect(state.made).toBeLessThan(50_000);
  });

  test.each([
    undefined,
    5,
  ])('stops its source where its caller gives up (a frame every %s ms)', async (pause) => {
    const { state, frames } = camera(pause);
    const client = createClient({ url: await appServer(), key: KEY });
    const caller = new AbortController();
    const watched = failure(
      (async () => {
        for await (const { frame } of client.recognizeStream(frames, { signal: caller.signal }))
          if (frame === 2) caller.abort(new Error('mine'));
      })(),
    );
    expect((await watched).message).toBe('mine');
    await vi.waitFor(() => expect(state.stopped).toBe(true));
    expect(state.made).toBeLessThan(50_000);
  });

  test.each<[string, string, { smoothing?: number }, object]>([
    ['a wrong key', 'wrong', {}, { code: 'unauthorized', status: 401 }],
    ['a wrong query', KEY, { smoothing: 7 }, { code: 'invalid_request', status: 400 }],
  ])('is refused as anything is for %s, and its source stops', async (_, key, options, refusal) => {
    const client = createClient({ url: await appServer(), key });
    for (let time = 0; time < 10; time++) {
      const { state, frames } = camera();
      expect(await failure(all(client.recognizeStream(frames, options)))).toMatchObject(refusal);
      await vi.waitFor(() => expect(state.stopped).toBe(true));
      expect(state.made).toBe(1);
    }
  });

  test('throws what its source throws', async () => {
    const client = createClient({ url: await appServer(), key: KEY });
    async function* lost(frames: number) {
      for (let frame = 0; frame < frames; frame++) yield photo;
      await sleep(50);
      throw new Error('camera lost');
    }
    for (const frames of [0, 1, 3]) {
      const error = await failure(all(client.recognizeStream(lost(frames))));
      expect([error.name, error.message]).toEqual(['Error', 'camera lost']);
    }
  });

  test('throws where the server ends it', async () => {
    const client = createClient({ url: await appServer({ receiveMs: 200 }), key: KEY });
    const frames = async function* () {
      yield photo;
      await sleep(400);
      yield photo;
    };
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { frame } of client.recognizeStream(frames())) seen.push(frame);
    })();
    expect(await failure(reading)).toMatchObject({
      name: 'ClientError',
      code: 'request_timeout',
      requestId: expect.stringMatching(/./),
    });
    expect(seen).toEqual([0]);
  });

  test('waits for its opening as long as for an answer, but for frames as long as they take', async () => {
    const silent = createTcpServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const { state, frames } = camera();
    const client = createClient({ url: `http://127.0.0.1:${port}`, timeoutMs: 300 });
    const error = await failure(all(client.recognizeStream(frames)));
    expect(error).toMatchObject({ code: 'no_answer', message: expect.stringMatching(/not within 300 ms/) });
    await vi.waitFor(() => expect(state.stopped).toBe(true));
    silent.close();

    const quick = createClient({ url: await appServer(), key: KEY, timeoutMs: 300 });
    const slow = async function* () {
      for (let frame = 0; frame < 2; frame++) {
        await sleep(400);
        yield photo;
      }
    };
    expect(await all(quick.recognizeStream(slow()))).toHaveLength(2);
  });

  test('is sent whole to who answers only then', async () => {
    const url = await otherServer(async (request, response) => {
      let lines = 0;
      for await (const chunk of request) lines += `${chunk}`.split('\n').length - 1;
      const frames = Array.from({ length: lines }, (_, frame) => `${JSON.stringify({ frame, faces: [] })}\n`);
      response.setHeader('content-type', 'application/x-ndjson').end(frames.join(''));
    });
    const answers = await all(createClient({ url }).recognizeStream([photo, photo, photo]));
    expect(answers.map(({ frame }) => frame)).toEqual([0, 1, 2]);
  });

  test.each([
    ['is cut off within a line', 'application/x-ndjson', '{"frame":0,"faces":[]}\n{"frame":1,"fa'],
    ['is a page', 'text/html', '<html>Welcome</html>'],
    ['is JSON', 'application/json', '{"hello":1}'],
  ])('throws where the answer %s', async (_, type, body) => {
    const client = createClient({ url: await otherServer(answering(type, body)) });
    expect(await failure(all(client.recognizeStream([photo])))).toMatchObject({
      name: 'ClientError',
      code: 'no_answer',
    });
  });
});

test.each([
  'secret',
  ' secret\n',
  'clé',
  'ключ',
  '鍵🔑',
])('the key %j is the one that the server knows', async (key) => {
  const keys = [createHash('sha256').update(key.trim()).digest('hex')];
  const url = await appServer({ guard: () => ({ keys, anonymous: false, corsOrigins: [] }) });
  expect(await createClient({ url, key }).recognize(photo)).toEqual({ faces: [] });
});

test('JSON that is no answer of mien’s is none', async () => {
  const client = createClient({ url: await otherServer(answering('application/json', '{"hello":1}')) });
  for (const answer of [client.recognize(photo), client.recognizeBatch([photo])])
    expect(await failure(answer)).toMatchObject({ name: 'ClientError', code: 'no_answer' });
});

test('a batch that is too large is refused, every time', async () => {
  const client = createClient({ url: await appServer(), key: KEY });
  const photos = Array.from({ length: 8 }, () => new Uint8Array(3 * 2 ** 20));
  for (let time = 0; time < 15; time++)
    expect(await failure(client.recognizeBatch(photos))).toMatchObject({
      code: 'body_too_large',
      status: 413,
    });
});

test('says that nothing listens', async () => {
  const probe = createTcpServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(connect(port, '127.0.0.1'), 'error');
  const error = await failure(createClient({ url: `http://127.0.0.1:${port}` }).recognize(photo));
  expect(error).toMatchObject({ code: 'no_answer', message: expect.stringMatching(/ECONNREFUSED/) });
});

test('keeps its connections from one request to the next', async () => {
  const ports = new Set<number | undefined>();
  const url = await otherServer((request, response) => {
    ports.add(request.socket.remotePort);
    request.resume().once('end', () => response.end('{"faces":[]}'));
  });
  const client = createClient({ url });
  for (let time = 0; time < 6; time++) await client.recognize(photo);
  expect(ports.size).toBeLessThanOrEqual(2); // which Node's fetch uses in turn
});
