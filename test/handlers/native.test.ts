/** The server on native TensorFlow: what the GPU container runs, on the CPU. */
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/assets/node.js';
import type { InferResponse } from '../../src/handlers/routes/inference/schema.js';
import { contract } from '../contract/contract.js';
import { infer } from '../support/infer.js';
import { hasNative } from '../support/native.js';
import { randomNumbers } from '../support/random.js';
import { type Server, startServer, stopServer, untilReady } from '../support/server.js';
import { untrainedFolder } from '../support/untrained.js';

const MAX_BODY_BYTES = 2 ** 20 * 2;
const CROP_BYTES = 48 * 48;
const { folder, remove } = untrainedFolder();
afterAll(remove);

const lines = (server: Server): Record<string, unknown>[] =>
  server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

describe.skipIf(!hasNative())('a server on native TensorFlow', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({ MODEL: folder, MAX_BODY_BYTES: `${MAX_BODY_BYTES}`, BACKEND: 'node' });
    await untilReady(server);
  }, 60_000);
  afterAll(() => stopServer(server));

  contract('native', (path, init) => fetch(server.url + path, init), {
    maxBodyBytes: MAX_BODY_BYTES,
    model: { name: folder.split('/').pop() as string, version: '0.0.0' },
    backend: 'node',
  });

  test('names itself in metrics and logs', async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    expect(text).toMatch(/^mien_queue_length\{backend="node"\} 0$/m);
    expect(text).not.toMatch(/backend="(?!node")/);
    expect(lines(server).find(({ message }) => /^ready/.test(`${message}`))).toMatchObject({
      backend: 'node',
    });
  });

  test('gives concurrent requests their own scores', { timeout: 60_000 }, async () => {
    const random = randomNumbers(17);
    const below = (most: number) => Math.floor(((random() + 1) / 2) * most) % most;
    const many = 64;
    const crops = Uint8Array.from({ length: many * CROP_BYTES }, () => below(256));
    const scoresOf = async (response: Response) =>
      ((await response.json()) as InferResponse).outputs[0]?.data as number[];
    const all = await scoresOf(await infer(server.url, crops));
    const largest = (scores: number[], from: number) =>
      scores.reduce((most, score, i) => Math.max(most, Math.abs(score - (all[from * 7 + i] as number))), 0);

    const outcomes = { answered: 0, gone: 0 };
    const request = async () => {
      await new Promise((resolve) => setTimeout(resolve, below(300)));
      const count = 1 + below(5);
      const from = below(many - count);
      const client = new AbortController();
      if (below(5) === 0) setTimeout(() => client.abort(), below(30));
      const part = crops.subarray(from * CROP_BYTES, (from + count) * CROP_BYTES);
      try {
        const scores = await scoresOf(await infer(server.url, part, { signal: client.signal }));
        expect(scores).toHaveLength(count * 7);
        // The order in which oneDNN adds depends on the number of crops.
        expect(largest(scores, from)).toBeLessThan(1e-5);
        // The control: another crop's scores would be seen.
        expect(largest(scores, from + 1)).toBeGreaterThan(1e-4);
        outcomes.answered++;
      } catch (error) {
        if ((error as Error).name !== 'AbortError') throw error;
        outcomes.gone++;
      }
    };
    const asked = Array.from({ length: 200 }, request);
    await Promise.all(asked);
    expect(outcomes.answered + outcomes.gone).toBe(200);
    expect(Math.min(outcomes.answered, outcomes.gone)).toBeGreaterThan(0);
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const figure = (name: string) => Number(new RegExp(`^${name}.* (\\d+)$`, 'm').exec(text)?.[1]);
    // Most of the inferences were of more than one crop.
    expect(figure('mien_batch_size_bucket\\{le="1"')).toBeLessThan(figure('mien_batch_size_count') / 2);
  });
});

describe.skipIf(!hasNative())('a server whose GPU is lost', () => {
  test('stops, so that another is started in its place', { timeout: 60_000 }, async () => {
    const hook = join(packageRoot(), 'test', 'support', 'lost-gpu.cjs');
    const server = await startServer({ MODEL: folder, BACKEND: 'node', NODE_OPTIONS: `--require=${hook}` });
    await untilReady(server);
    const crop = new Uint8Array(CROP_BYTES);
    expect((await infer(server.url, crop)).status).toBe(200);
    const ended = once(server.process, 'exit');
    server.process.kill('SIGUSR2');
    const statuses: number[] = [];
    for (let request = 0; request < 3; request++) statuses.push((await infer(server.url, crop)).status);
    expect(statuses).toEqual([500, 500, 500]);
    expect(await ended).toEqual([1, null]);
    expect(lines(server).map(({ message }) => message)).toContain('stopped');
  });
});

describe.skipIf(!hasNative())('BACKEND=auto', () => {
  test('takes the fastest that starts and says why it skips others', { timeout: 60_000 }, async () => {
    const server = await startServer({ MODEL: folder, BACKEND: 'auto', CUDA_VISIBLE_DEVICES: '-1' });
    await untilReady(server);
    const skipped = lines(server).filter(({ message }) => message === 'backend skipped');
    expect(skipped).toEqual([
      expect.objectContaining({
        backend: 'node-gpu',
        reason: expect.stringMatching(/@tensorflow\/tfjs-node-gpu is (not installed|loaded, but .* no GPU)/),
      }),
    ]);
    const { parameters } = (await (
      await infer(server.url, new Uint8Array(CROP_BYTES))
    ).json()) as InferResponse;
    expect(parameters).toEqual({ backend: 'node' });
    expect(await stopServer(server)).toBe(0);
  });
});
