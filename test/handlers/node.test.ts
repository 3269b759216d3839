import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contract } from '../contract/contract.js';
import { astronautBytes } from '../support/pictures.js';
import { runToEnd, type Server, startServer, stopServer, untilReady } from '../support/server.js';
import { untrainedFolder } from '../support/untrained.js';

const MAX_BODY_BYTES = 2 ** 20 * 2;
const { folder, remove } = untrainedFolder();
afterAll(remove);

const environment = { MODEL: folder, MAX_BODY_BYTES: `${MAX_BODY_BYTES}` };

describe('a running server', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer(environment);
    await untilReady(server);
  });
  afterAll(() => stopServer(server));

  contract('node', (path, init) => fetch(server.url + path, init), {
    maxBodyBytes: MAX_BODY_BYTES,
    model: { name: folder.split('/').pop() as string, version: '0.0.0' },
    backend: 'wasm',
  });

  test('has browsers ask each time whether a file of the bundle is still the same, and sends it no second time', async () => {
    const address = `${server.url}/browser/model.json`;
    const first = await fetch(address);
    expect(first.headers.get('cache-control')).toBe('no-cache');
    const etag = first.headers.get('etag') as string;
    const ask = async (tag: string) => {
      const answer = await fetch(address, { headers: { 'if-none-match': tag } });
      return [answer.status, answer.headers.get('etag'), (await answer.text()).length > 0];
    };
    expect(await ask(etag)).toEqual([304, etag, false]);
    expect(await ask('"another"')).toEqual([200, etag, true]);
  });

  test('tells Prometheus of requests by route, of stages, batches and the queue', async () => {
    await fetch(`${server.url}/v1/expressions`, { method: 'POST', body: astronautBytes() });
    await fetch(`${server.url}/no/such/${Math.random()}`);
    await fetch(`${server.url}/v1/expressions`);
    const response = await fetch(`${server.url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    for (const [name, ...labels] of [
      ['mien_queue_length'],
      ['mien_request_duration_seconds_count', 'route="/v1/expressions"', 'method="POST"', 'status="200"'],
      ['mien_request_duration_seconds_count', 'route="/v2/models/:model/infer"', 'status="400"'],
      ['mien_request_duration_seconds_count', 'route="none"', 'method="other"', 'status="404"'],
      ['mien_request_duration_seconds_count', 'route="none"', 'method="other"', 'status="405"'],
      ['mien_stage_duration_seconds_bucket', 'stage="queue"', 'le="+Inf"'],
      ['mien_stage_duration_seconds_sum', 'stage="decode"'],
      ['mien_stage_duration_seconds_sum', 'stage="detect"'],
      ['mien_stage_duration_seconds_sum', 'stage="infer"'],
      ['mien_batch_size_bucket', 'le="1"'],
      ['process_resident_memory_bytes'],
    ] as const) {
      const line = text
        .split('\n')
        .find(
          (one) =>
            one.startsWith(`${name}{`) && [...labels, 'backend="wasm"'].every((label) => one.includes(label)),
        );
      expect(line, `${name} ${labels}`).toBeDefined();
      expect(Number(line?.split(' ').pop())).toBeGreaterThanOrEqual(name === 'mien_queue_length' ? 0 : 1e-4);
    }
    expect(text).not.toMatch(/such/);
  });

  test('keeps connections longer than a balancer does', async () => {
    const { headers } = await fetch(`${server.url}/healthz`);
    expect(headers.get('keep-alive')).toBe('timeout=65');
  });

  test('has logged its address once, no error, and every request by its route', async () => {
    expect(server.output().match(/http:\/\//g)).toHaveLength(1);
    expect(server.output()).not.toMatch(/error/i);
    const headers = { 'x-request-id': 'for-the-log' };
    await fetch(`${server.url}/v1/expressions?maxFaces=1`, {
      method: 'POST',
      body: astronautBytes(),
      headers,
    });
    const lines = server
      .output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ requestId }) => requestId === 'for-the-log')).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        level: 'info',
        message: 'request',
        requestId: 'for-the-log',
        method: 'POST',
        route: '/v1/expressions',
        status: 200,
        ms: expect.any(Number),
      },
    ]);
  });
});

describe('starting and stopping', () => {
  test('lives before it is ready, and makes photos wait', async () => {
    const server = await startServer(environment);
    const [health, ready, answer] = await Promise.all([
      fetch(`${server.url}/healthz`),
      fetch(`${server.url}/readyz`),
      fetch(`${server.url}/v1/expressions`, { method: 'POST', body: astronautBytes() }),
    ]);
    expect(health.status).toBe(200);
    expect(ready.status).toBe(503);
    expect(answer.status).toBe(200);
    expect(await stopServer(server, 'SIGINT')).toBe(0);
  });

  test('answers what has been asked before it stops', async () => {
    const server = await startServer(environment);
    // Asked while it loads, so the answer is a second away when the signal comes.
    const answer = fetch(`${server.url}/v1/expressions`, { method: 'POST', body: astronautBytes() });
    await fetch(`${server.url}/healthz`);
    const [code, response] = await Promise.all([stopServer(server), answer]);
    expect(response.status).toBe(200);
    expect((await response.json()).faces).toHaveLength(1);
    expect(code).toBe(0);
  });

  test('ends an open stream when it stops, with an error that says so', async () => {
    const server = await startServer(environment);
    await untilReady(server);
    let sender = {} as ReadableStreamDefaultController;
    const body = new ReadableStream({
      start(controller) {
        sender = controller;
      },
    });
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    sender.enqueue(new TextEncoder().encode('{"image": 7}\n'));
    const response = await fetch(`${server.url}/v1/expressions/stream`, init);
    const [code, text] = await Promise.all([stopServer(server), response.text()]);
    const codes = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map(({ error, final }) => [error.code, final]);
    expect(codes).toEqual([
      ['invalid_request', undefined],
      ['not_ready', true],
    ]);
    expect(code).toBe(0);
    const last = JSON.parse(server.output().trim().split('\n').at(-1) as string);
    expect(last).toMatchObject({ message: 'stopped', accepted: last.answered });
  });

  test('says which settings are wrong', async () => {
    const { code, stderr } = await runToEnd({ PORT: '80a', BACKEND: 'abacus', MAX_PIXELS: '0' });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error: PORT=80a: must be a whole number\n' +
        'MAX_PIXELS=0: must be at least 1\n' +
        'BACKEND=abacus: must be one of auto, wasm, node, node-gpu\n',
    );
  });

  test('says that its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const { code, stderr } = await runToEnd({ ...environment, HOST: '127.0.0.1', PORT: `${port}` });
    taken.close();
    expect(code).toBe(1);
    expect(stderr).toBe(`error: Port ${port} is in use. Set PORT to another one.\n`);
  });

  test('says that its model is missing', async () => {
    const { code, stderr } = await runToEnd({ MODEL: '/nowhere', HOST: '127.0.0.1', PORT: '0' });
    expect(code).toBe(1);
    expect(stderr).toBe('error: There is no model at /nowhere.\n');
  });
});
