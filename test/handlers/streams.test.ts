import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createApp } from '../../src/handlers/app.js';
import { concurrencyLimit } from '../../src/handlers/middleware/concurrency-limit.js';
import { logged } from '../../src/handlers/middleware/logged.js';
import { frame as frameSchema } from '../../src/handlers/schemas.js';
import type { Recognition, Recognizer } from '../../src/model/recognizer.js';
import { startServer, stopServer, untilReady } from '../support/server.js';
import { untrainedFolder } from '../support/untrained.js';

const recognizer = {
  recognize: async () => ({ faces: [] as unknown }) as Recognition,
} as unknown as Recognizer;
const LINE = new TextEncoder().encode('{"image": "AAAA"}\n');

/** A stream that is sent as the test likes, to an app with one place. */
function openStream(receiveMs = 30_000) {
  const app = createApp({
    recognizer,
    ready: () => true,
    receiveMs,
    middleware: [logged],
    limits: [concurrencyLimit(1)],
  });
  let sender = {} as ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      sender = controller;
    },
  });
  const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
  const ask = async () => (await app.request('/v1/expressions', { method: 'POST', body: 'x' })).status;
  return { sender, ask, response: app.request('/v1/expressions/stream', init) };
}

describe('an open stream', () => {
  let log: ReturnType<typeof vi.spyOn>;
  beforeEach(() => {
    log = vi.spyOn(console, 'log').mockImplementation(() => {});
  });
  afterEach(() => vi.restoreAllMocks());
  const routes = () => log.mock.calls.map(([line]: unknown[]) => JSON.parse(line as string).route);

  test('takes a place, and is logged, until it ends', async () => {
    const { sender, ask, response } = openStream();
    sender.enqueue(LINE);
    const reader = ((await response).body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    expect(await ask()).toBe(503);
    expect(routes()).toEqual(['/v1/expressions']);
    sender.close();
    expect((await reader.read()).done).toBe(true);
    expect(routes()).toEqual(['/v1/expressions', '/v1/expressions/stream']);
    expect(await ask()).toBe(200);
  });

  test('whose answers nobody takes loses its place', async () => {
    const { sender, ask, response } = openStream(50);
    for (let line = 0; line < 10; line++) sender.enqueue(LINE);
    expect((await response).status).toBe(200);
    expect(await ask()).toBe(503);
    await vi.waitFor(async () => expect(await ask()).toBe(200));
  });

  test.each([
    ['frames that are refused at once', ['{}\n'.repeat(500)], 500],
    ['pieces of empty lines', Array(500).fill('\r\n\n'), 0],
  ])('lets others have their turns between %s', async (_, pieces, frames) => {
    const app = createApp({ recognizer, ready: () => true });
    let turns = 0;
    const timer = setInterval(() => turns++);
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    });
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    const answers = await (await app.request('/v1/expressions/stream', init)).text();
    clearInterval(timer);
    expect(answers.split('\n')).toHaveLength(frames + 1);
    expect(turns).toBeGreaterThan(100);
  });

  test('that the server ends has a last line that says so', async () => {
    const { sender, response } = openStream(50);
    sender.enqueue(new TextEncoder().encode('{"image": 7}\n'));
    const lines = (await (await response).text()).trimEnd().split('\n');
    const answers = lines.map((line) => frameSchema.parse(JSON.parse(line)));
    expect(answers).toMatchObject([
      { frame: 0, error: { code: 'invalid_request' } },
      { frame: 1, error: { code: 'request_timeout' }, final: true },
    ]);
    expect(answers[0]).not.toHaveProperty('final');
  });
});

test('a stream lasts as long as its frames come, not as long as Node lets a request', async () => {
  const { folder, remove } = untrainedFolder();
  const hasty = { NODE_OPTIONS: '--require ./test/support/hasty-node.cjs' };
  const server = await startServer({ MODEL: folder, RECEIVE_TIMEOUT_MS: '1000', ...hasty });
  await untilReady(server);
  const FRAMES = 12;
  async function* frames() {
    for (let frame = 0; frame < FRAMES; frame++) {
      yield new TextEncoder().encode('{"image": 7}\n');
      await sleep(300);
    }
  }
  const init = { method: 'POST', body: frames(), duplex: 'half' } as unknown as RequestInit;
  const response = await fetch(`${server.url}/v1/expressions/stream`, init);
  expect((await response.text()).trimEnd().split('\n')).toHaveLength(FRAMES);
  await stopServer(server);
  remove();
});
