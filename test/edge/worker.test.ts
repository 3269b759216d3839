import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startOnce, writeEmptyWorker } from '../../scripts/bench/worker-start.js';
import { bundleWorker, type WorkerModule } from '../../scripts/lib/worker-bundle.js';
import { startWorkerd, type Workerd } from '../../scripts/lib/workerd.js';
import { loadAssets } from '../../src/assets/node.js';
import { loadModel } from '../../src/assets/node-model.js';
import { cropFace } from '../../src/model/crop.js';
import { createFaceDetector } from '../../src/model/face.js';
import { createImageDecoder } from '../../src/model/image.js';
import { createRecognizer, type Recognition, type Recognizer } from '../../src/model/recognizer.js';
import { contract } from '../contract/contract.js';
import { EXPRESSIONS, form, pngClaiming, post, postJson } from '../contract/requests.js';
import { isolateMemory } from '../support/heap.js';
import { astronautBytes, encodeJpeg, encodePng, encodeWebp, pattern } from '../support/pictures.js';
import { untrainedFolder } from '../support/untrained.js';
import { MODES, startUpstream } from '../support/upstream.js';

const model = untrainedFolder();
const out = mkdtempSync(join(tmpdir(), 'mien-worker-'));
const photo = astronautBytes();
let modules: WorkerModule[];
/** The published model in the published entry. */
const deployedOut = mkdtempSync(join(tmpdir(), 'mien-deployed-'));
let deployed: WorkerModule[];
let workerd: Workerd;
const megabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;
const request = (path: string, init?: RequestInit) => fetch(workerd.url + path, init);
const inside = async (path: string, init?: RequestInit) => (await request(`/test/${path}`, init)).json();

beforeAll(async () => {
  [modules, deployed] = await Promise.all([
    bundleWorker({ out, model: model.folder, entry: join(import.meta.dirname, 'entry.ts') }),
    bundleWorker({ out: deployedOut }),
  ]);
  workerd = await startWorkerd(out, modules);
}, 60_000);
afterAll(async () => {
  await workerd?.stop();
  model.remove();
  for (const folder of [out, deployedOut]) rmSync(folder, { recursive: true });
});

describe('a Worker that has just started', () => {
  test('is ready before its first photo', async () => {
    expect((await request('/readyz')).status).toBe(200);
  });

  test('runs in workerd, without eval and without Node', async () => {
    expect(await inside('runtime')).toEqual({
      agent: 'Cloudflare-Workers',
      evalIsRefused: true,
      process: 'undefined',
      relaxedSimd: true,
    });
  });

  test('is one script; WebAssembly, data and the pages are modules beside it', () => {
    const count = (type: string) => modules.filter((module) => module.type === type).length;
    expect(['ESModule', 'CompiledWasm', 'Data', 'Text'].map(count)).toEqual([1, 6, 2, 2]);
  });
});

contract('workerd', request, {
  maxBodyBytes: 6 * 1024 * 1024,
  model: { name: basename(model.folder), version: '0.0.0' },
  backend: 'wasm',
  drains: true,
});

describe('what is deployed', () => {
  test('has at most 3 MB after gzip, the published model and all', () => {
    const total = deployed.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0);
    expect(total).toBeLessThan(3_000_000);
    expect(total).toBeGreaterThan(2_000_000); // the control: the model is in it
  });
});

describe('the start-up of what is deployed', () => {
  test('needs less processor time than scoring 30 faces, and than Cloudflare’s second', async () => {
    const empty = join(deployedOut, 'empty');
    const nothing = writeEmptyWorker(empty, deployedOut);
    const assets = await loadAssets();
    const recognizer = await createRecognizer({
      assets,
      model: await loadModel('models/mien-v1'),
      backend: 'wasm',
    });
    const needed: number[] = [];
    const inFaces: number[] = [];
    // The best of several: other work on the machine costs a start the caches, and gives it nothing. In faces, since the
    // machine's speed changes: 30 take 0.4 s where one takes 13 ms.
    while (needed.length < 10 && (needed.length < 3 || Math.min(...inFaces) >= 30)) {
      const face = await processorMs(recognizer);
      const before = await startOnce(empty, nothing, (url) => fetch(url));
      const after = await startOnce(deployedOut, deployed, (url) => fetch(url));
      needed.push(after.cpuMs - before.cpuMs);
      inFaces.push((after.cpuMs - before.cpuMs) / face);
    }
    recognizer.dispose();
    console.log(
      'processor time of starts, ms:',
      needed.map(Math.round),
      'in faces:',
      inFaces.map(Math.round),
    );
    expect(Math.min(...needed)).toBeLessThan(1000);
    expect(Math.min(...inFaces)).toBeLessThan(30);
    expect(Math.min(...inFaces)).toBeGreaterThan(3); // the control: both networks have been loaded and run
  }, 120_000);
});

/** Milliseconds of processor time that scoring a face takes at present. */
async function processorMs(recognizer: Recognizer): Promise<number> {
  const crop = new Uint8Array(48 * 48).fill(60);
  const score = async (times: number) => {
    for (let i = 0; i < times; i++) await recognizer.classify(crop);
  };
  await score(10);
  const began = process.cpuUsage();
  await score(20);
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000 / 20;
}

describe('workerd and Node', () => {
  test('make the same crop and the same probabilities of one photo', async () => {
    const assets = await loadAssets();
    const recognizer = await createRecognizer({
      assets,
      model: await loadModel(model.folder),
      backend: 'wasm',
    });
    const raster = await createImageDecoder(assets.wasm).decode(photo);
    const faces = (await createFaceDetector(assets)).detect(raster);
    const hashes = faces.map((face) => createHash('sha256').update(cropFace(raster, face)).digest('hex'));
    expect(hashes).toHaveLength(1);
    expect(await inside('crops', post(photo))).toEqual(hashes);

    const here = await recognizer.recognize(photo);
    const there: Recognition = await (await request(EXPRESSIONS, post(photo))).json();
    expect({ ...there.faces[0], expressions: [] }).toEqual({ ...here.faces[0], expressions: [] });
    // Not in their last bits: workerd has fused multiply-add.
    const scores = ({ faces }: Recognition) =>
      new Map(faces[0]?.expressions.map(({ label, score }) => [label, score]));
    for (const [label, score] of scores(here)) {
      expect(Math.abs((scores(there).get(label) ?? 2) - score)).toBeLessThanOrEqual(1e-6);
    }
  });
});

describe('what a Worker keeps', () => {
  test('no tensor, and no memory, of 1,000 good and bad requests', async () => {
    const jpeg = await encodeJpeg(pattern(96, 64));
    // Looking for faces is what takes long: in one of ten.
    const whole = `${EXPRESSIONS}?face=whole`;
    const kinds: [path: string, init: RequestInit, status: number][] = [
      [EXPRESSIONS, post(photo), 200],
      [whole, post(jpeg), 200],
      [whole, post(await encodeWebp(pattern(80, 80))), 200],
      [whole, post(encodePng(pattern(1, 1))), 200],
      [whole, form(['image', jpeg]), 200],
      [EXPRESSIONS, post(photo.slice(0, photo.length / 2)), 400],
      [EXPRESSIONS, post(jpeg.slice(0, jpeg.length / 2)), 400],
      [EXPRESSIONS, post(pngClaiming(60_000)), 413],
      [EXPRESSIONS, postJson({ image: 'AAAA' }), 415],
      [EXPRESSIONS, { method: 'POST' }, 400],
    ];
    const tensors = await inside('tensors');
    expect(tensors).toBeGreaterThan(100); // the control: the networks' own are counted
    const memory: { heap: number; buffers: number }[] = [];
    for (let round = 1; round <= 100; round++) {
      const answers = await Promise.all(kinds.map(([path, init]) => request(path, init)));
      expect(answers.map(({ status }) => status)).toEqual(kinds.map(([, , status]) => status));
      await Promise.all(answers.map((answer) => answer.arrayBuffer()));
      if (round % 10 === 0) memory.push(await isolateMemory(workerd.inspectorUrl));
    }
    expect(await inside('tensors')).toBe(tensors);
    console.log(
      'after each 100 requests, MB:',
      memory.map(({ heap, buffers }) => [heap, buffers].map(megabytes)),
    );
    // Nobody collects garbage between two looks, so that only the lowest of several tells what is kept. A little more
    // is not a leak; 500 photos' would be.
    const lowest = (looks: typeof memory, kind: 'heap' | 'buffers') =>
      Math.min(...looks.map((look) => look[kind]));
    for (const kind of ['heap', 'buffers'] as const)
      expect(lowest(memory.slice(5), kind), kind).toBeLessThan(lowest(memory.slice(0, 5), kind) + 10e6);
  }, 240_000);

  test('less than 100 MB with four photos at once, as it is deployed', async () => {
    const worker = await startWorkerd(deployedOut, deployed);
    try {
      for (let round = 0; round < 5; round++) {
        const ask = () => fetch(worker.url + EXPRESSIONS, post(photo));
        const answers = await Promise.all([ask(), ask(), ask(), ask()]);
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      }
      const { heap, buffers } = await isolateMemory(worker.inspectorUrl);
      console.log('as deployed, MB:', [heap, buffers].map(megabytes));
      expect(heap + buffers).toBeLessThan(100e6);
      expect(buffers).toBeGreaterThan(10e6); // the control: WebAssembly's memory is counted
    } finally {
      await worker.stop();
    }
  }, 120_000);
});

describe('a GPU elsewhere', () => {
  test('infers for the Worker, and when it is away the Worker infers itself', async () => {
    const gpu = await startUpstream('0.0.0');
    const worker = await startWorkerd(out, modules, undefined, { GPU_URL: gpu.url, GPU_TIMEOUT_MS: '300' });
    const context = { 'x-request-id': 'one', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    const ask = async () =>
      (await fetch(worker.url + EXPRESSIONS, post(photo, context))).json() as Promise<Recognition>;
    try {
      const there = await ask();
      expect(gpu.headers[0]).toMatchObject(context);
      expect(there.backend).toBe('node-gpu');
      expect(there.faces[0]?.expressions[0]).toEqual({ label: 'happy', score: Math.fround(0.4) });
      for (const mode of MODES.filter((one) => one !== 'healthy')) {
        gpu.mode = mode;
        const here = await ask();
        expect([mode, here.backend, here.faces.length]).toEqual([mode, 'wasm', 1]);
        expect(here.faces[0]?.expressions).not.toEqual(there.faces[0]?.expressions);
      }
    } finally {
      await worker.stop();
      await gpu.stop();
    }
  });
});

describe('a setting that is wrong', () => {
  test('lets nothing run, so that it is seen at once', async () => {
    const worker = await startWorkerd(out, modules, undefined, { API_KEYS: 'the key, not its hash' });
    try {
      const statuses = ['/healthz', '/readyz'].map(async (path) => (await fetch(worker.url + path)).status);
      expect(await Promise.all(statuses)).toEqual([500, 500]);
    } finally {
      await worker.stop();
    }
  });
});

describe('the rate limit', () => {
  test('answers 429 with Retry-After to whoever asks too often, and leaves health checks alone', async () => {
    const limited = await startWorkerd(out, modules, 2);
    try {
      const ask = (address: string) =>
        fetch(limited.url + EXPRESSIONS, { method: 'POST', headers: { 'cf-connecting-ip': address } });
      expect([(await ask('192.0.2.1')).status, (await ask('192.0.2.1')).status]).toEqual([400, 400]);
      const refused = await ask('192.0.2.1');
      expect(refused.status).toBe(429);
      expect(refused.headers.get('retry-after')).toBe('60');
      expect(await refused.json()).toEqual({
        error: {
          code: 'rate_limited',
          message: 'Too many requests.',
          requestId: refused.headers.get('x-request-id'),
          details: { retryAfterSeconds: 60 },
        },
      });
      expect((await fetch(`${limited.url}/healthz`)).status).toBe(200);
      expect((await ask('192.0.2.2')).status).toBe(400); // another address has a share of its own
    } finally {
      await limited.stop();
    }
  });
});
