import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadAssets } from '../../src/assets/node.js';
import { createApp } from '../../src/handlers/app.js';
import {
  createUpstream,
  type Upstream,
  type UpstreamResult,
  upstreamSettings,
  withUpstream,
} from '../../src/handlers/upstream.js';
import { createRecognizer, type Recognition, type Recognizer } from '../../src/model/recognizer.js';
import { EXPRESSIONS, post } from '../contract/requests.js';
import { astronautBytes } from '../support/pictures.js';
import { untrainedModel } from '../support/untrained.js';
import { type FakeUpstream, MODES, startUpstream } from '../support/upstream.js';

/** Milliseconds. Long enough for a busy machine; the test that measures has another. */
const TIMEOUT = 2000;
const photo = astronautBytes();
let gpu: FakeUpstream;
let recognizer: Recognizer;
let upstream: Upstream | undefined;
let time = 0;
let results: UpstreamResult[] = [];

beforeAll(async () => {
  const model = untrainedModel();
  gpu = await startUpstream(model.version);
  recognizer = await createRecognizer({
    assets: await loadAssets(),
    model,
    backend: 'wasm',
    queue: (classifier, { version }) => withUpstream(classifier, version, () => upstream),
  });
});
afterAll(() => gpu.stop());
beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  [gpu.mode, gpu.asked, gpu.headers, time, results] = ['healthy', [], [], 0, []];
  upstream = asking(TIMEOUT);
});

const asking = (timeoutMs: number) =>
  createUpstream(
    { GPU_URL: `${gpu.url}/`, GPU_KEY: 'secret', GPU_TIMEOUT_MS: timeoutMs },
    { now: () => time, onResult: (result) => results.push(result) },
  );

const ask = async (headers: Record<string, string> = {}): Promise<Recognition> => {
  const app = createApp({ recognizer, ready: () => true });
  const response = await app.request(EXPRESSIONS, post(photo, headers));
  expect(response.status).toBe(200);
  return response.json();
};
const alone = async () => {
  const before = upstream;
  upstream = undefined;
  const answer = await ask();
  upstream = before;
  return answer;
};

describe('with GPU_URL', () => {
  test('a healthy one infers, and the answer says so', async () => {
    const answer = await ask();
    expect(answer.backend).toBe('node-gpu');
    expect(answer.faces[0]?.expressions[0]).toEqual({ label: 'happy', score: Math.fround(0.4) });
    expect(gpu.headers.map(({ authorization }) => authorization)).toEqual(['Bearer secret']);
    const crops = new Uint8Array(3 * 2304).map((_, at) => (at % 2304 === 0 ? at / 2304 + 5 : 0));
    expect(await recognizer.classify(crops)).toHaveLength(21);
    expect(gpu.asked[1]).toEqual([5, 6, 7]);
  });

  test('it hears which request is answered, and of which trace', async () => {
    const context = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'vendor=1' };
    await Promise.all([ask({ 'x-request-id': 'one', ...context }), ask({ 'x-request-id': 'two' })]);
    const heard = new Map(gpu.headers.map((headers) => [headers['x-request-id'], headers]));
    expect(heard.get('one')).toMatchObject(context);
    expect(Object.keys(heard.get('two') ?? context)).not.toContain('traceparent');
    await recognizer.classify(new Uint8Array(2304)); // of no request
    expect(gpu.headers[2]).not.toHaveProperty('x-request-id');
  });

  test.each(
    MODES.filter((mode) => mode !== 'healthy'),
  )('one that is %s is done without, asked once', async (mode) => {
    gpu.mode = mode;
    const own = await alone();
    const answer = await ask();
    expect(answer.backend).toBe('wasm');
    expect(answer.faces).toEqual(own.faces);
    expect(gpu.asked).toHaveLength(1);
  });

  test('after three failures it is left alone for 30 s, then one request tries', async () => {
    gpu.mode = 'erroring';
    for (let request = 0; request < 5; request++) expect((await ask()).backend).toBe('wasm');
    expect(gpu.asked).toHaveLength(3);
    time = 29_999;
    await ask();
    expect(gpu.asked).toHaveLength(3);
    time = 30_000;
    await Promise.all([ask(), ask(), ask()]);
    expect(gpu.asked).toHaveLength(4);
    gpu.mode = 'healthy';
    time = 60_000;
    expect((await ask()).backend).toBe('node-gpu');
    expect((await ask()).backend).toBe('node-gpu');
    gpu.mode = 'erroring';
    for (let request = 0; request < 3; request++) await ask();
    expect(gpu.asked).toHaveLength(9); // the count has begun anew
  });

  test('one that is busy is not left alone', async () => {
    gpu.mode = 'busy';
    for (let request = 0; request < 4; request++) expect((await ask()).backend).toBe('wasm');
    gpu.mode = 'healthy';
    expect((await ask()).backend).toBe('node-gpu');
    expect(results).toEqual(['busy', 'busy', 'busy', 'busy', 'answered']);
  });

  test('says what became of each request, and why', async () => {
    const said = vi.mocked(console.error);
    upstream = createUpstream(
      { GPU_URL: 'http://127.0.0.1:9', GPU_TIMEOUT_MS: TIMEOUT },
      { onResult: (result) => results.push(result) },
    );
    for (let request = 0; request < 4; request++) await ask();
    expect(results).toEqual(['failed', 'failed', 'failed', 'skipped']);
    expect(said.mock.calls.join('\n')).toMatch(/fetch failed \((ECONNREFUSED|bad port)\)/);
  });

  test.each([
    ['GPU_URL', 'http://ops:hunter2@gpu.example.com'],
    ['GPU_URL', 'https://gpu.example.com/?stage=prod'],
    ['GPU_URL', 'https://gpu.example.com/#here'],
    ['GPU_KEY', 'with\nanother line'],
  ])('refuses a %s that cannot work', (name, value) => {
    const settings = (key: string, text: string) => upstreamSettings.safeParse({ [key]: text }).success;
    expect(settings(name, value)).toBe(false);
    expect(settings('GPU_URL', 'https://gpu.example.com/stage')).toBe(true); // the controls
    expect(settings('GPU_KEY', 'printable+ASCII=/')).toBe(true);
  });

  test('whoever has gone is no failure of its', async () => {
    gpu.mode = 'slow';
    for (let request = 0; request < 4; request++) {
      const client = new AbortController();
      setTimeout(() => client.abort(new Error('gone')), 20);
      const crops = new Uint8Array(2304);
      await expect(recognizer.classify(crops, { signal: client.signal })).rejects.toThrow('gone');
    }
    gpu.mode = 'healthy';
    expect((await ask()).backend).toBe('node-gpu');
  });

  test('whoever goes during the trial leaves it to the next', async () => {
    gpu.mode = 'erroring';
    for (let request = 0; request < 3; request++) await ask();
    [gpu.mode, time] = ['slow', 30_000];
    const client = new AbortController();
    const trial = recognizer.classify(new Uint8Array(2304), { signal: client.signal });
    await vi.waitFor(() => expect(gpu.asked).toHaveLength(4));
    client.abort(new Error('gone'));
    await expect(trial).rejects.toThrow('gone');
    gpu.mode = 'healthy';
    expect((await ask()).backend).toBe('node-gpu');
  });

  test('no answer takes longer than the time-out and WASM, whatever it does', async () => {
    const timeoutMs = 200;
    upstream = asking(timeoutMs);
    const took = async (answer: () => Promise<unknown>) => {
      const began = performance.now();
      await answer();
      return performance.now() - began;
    };
    const own: number[] = [];
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      for (const mode of MODES) {
        gpu.mode = mode;
        time += 60_000; // so that it is asked each time
        own.push(await took(alone));
        times.push(await took(ask));
      }
    }
    expect(gpu.asked).toHaveLength(times.length);
    expect(Math.max(...times)).toBeGreaterThan(timeoutMs); // the control: some have waited for it
    expect(Math.max(...times)).toBeLessThanOrEqual(timeoutMs + Math.max(...own) + 50);
  });

  test('warming up is for the network here', async () => {
    await recognizer.warmUp();
    expect(gpu.asked).toEqual([]);
  });

  test('without it nobody is asked', () => {
    expect(createUpstream({ GPU_TIMEOUT_MS: 1000 })).toBeUndefined();
  });
});
