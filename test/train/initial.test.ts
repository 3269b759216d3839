import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { readConfiguration } from '../../scripts/train/config.js';
import { initialFor } from '../../scripts/train/initial.js';
import { prepareRun } from '../../scripts/train/run.js';
import { loadAssets } from '../../src/assets/node.js';
import type { Architecture } from '../../src/model/architecture.js';
import { createBackend } from '../../src/model/backends/index.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { table1 } from '../../src/model/table1.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/model/weights.js';
import { livelyWeights } from '../support/networks.js';
import { SMOKE } from '../support/training.js';

const networkOf = (groups: number, mixAfter: number[] = []) =>
  table1({ side: 24, groups, dilations: [1, 1, 1, 2], rates: [1], mixAfter });
const bytes = encodeSafetensors(livelyWeights(networkOf(4)));
const crops = Uint8Array.from({ length: 2 * 48 * 48 }, (_, at) => (at * 31) % 251);

async function scores(architecture: Architecture, weights: Uint8Array): Promise<number[]> {
  const backend = await createBackend('wasm', await loadAssets());
  const model = { name: 'it', version: '1', architecture, weights };
  const classifier = createClassifier(model, backend);
  const found = [...classifier.classify(crops)];
  classifier.dispose();
  return found;
}

describe('weights to begin from', () => {
  it.each([1, 2])('compute the same with %i groups instead of four', async (groups) => {
    const given = await scores(networkOf(4), bytes);
    const regrouped = await scores(networkOf(groups), initialFor(networkOf(groups), bytes));
    regrouped.forEach((score, at) => {
      expect(score).toBeCloseTo(given[at] as number, 5);
    });
  });

  it('compute the same with mixes that they lack, which can learn', async () => {
    const mixed = networkOf(4, [7, 16]);
    const begun = initialFor(mixed, bytes);
    const given = await scores(networkOf(4), bytes);
    (await scores(mixed, begun)).forEach((score, at) => {
      expect(score).toBeCloseTo(given[at] as number, 5);
    });
    const weights = decodeSafetensors(begun);
    for (const name of ['m7_mix', 'm16_mix']) {
      // A kernel of zeros would hand its norm's weight no gradient either.
      expect(weights.get(`${name}.conv.weight`)?.data.every((value) => value !== 0)).toBe(true);
      expect(weights.get(`${name}.norm.weight`)?.data.every((value) => value === 0)).toBe(true);
    }
    // Those that it has stay as they are.
    expect(initialFor(mixed, begun)).toBe(begun);
  });

  it('keep of four groups what eight have, which is not all', async () => {
    const name = 'm3.conv1.weight';
    const kernel = (file: Uint8Array) => decodeSafetensors(file).get(name);
    const given = kernel(bytes);
    const eight = initialFor(networkOf(8), bytes);
    const back = kernel(initialFor(networkOf(4), eight));
    expect(kernel(eight)?.shape).toEqual([64, 8, 3, 1]);
    expect(back?.shape).toEqual([64, 16, 3, 1]);
    const kept = back?.data.map((value, at) => (value === given?.data[at] ? 1 : value)) as Float32Array;
    expect(new Set(kept)).toEqual(new Set([0, 1]));
    expect(kept.reduce((sum, one) => sum + one) / kept.length).toBe(0.5);
    // The control of the test above.
    const [one, other] = [await scores(networkOf(4), bytes), await scores(networkOf(8), eight)];
    expect(Math.max(...one.map((score, at) => Math.abs(score - (other[at] as number))))).toBeGreaterThan(
      0.01,
    );
  });

  it('stay as they are where groups are the same, and where another shape is wrong', () => {
    expect(initialFor(networkOf(4), bytes)).toBe(bytes);
    const narrow = table1({ side: 24, groups: 4, dilations: [1, 1, 1, 2], rates: [1], width: 0.5 });
    expect(initialFor(narrow, bytes)).toBe(bytes);
  });

  it('are refused where they are none', () => {
    expect(() => initialFor(networkOf(4), new Uint8Array(7))).toThrow('not valid weights');
  });
});

test('a run that is to begin from a broken file names it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mien-initial-'));
  try {
    const init = join(folder, 'broken.safetensors');
    writeFileSync(init, 'broken');
    const configuration = { ...readConfiguration(SMOKE), init };
    expect(() => prepareRun(join(folder, 'run'), configuration, { engine: 'torch', resume: false })).toThrow(
      expect.objectContaining({
        code: 'invalid_weights',
        message: expect.stringContaining(`init ${init}: not valid weights`),
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
