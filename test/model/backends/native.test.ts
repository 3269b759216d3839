import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { nativeRuntime } from '../../../src/assets/native.js';
import { loadAssets, packageRoot } from '../../../src/assets/node.js';
import { loadModel } from '../../../src/assets/node-model.js';
import type { Assets } from '../../../src/model/assets.js';
import { type BackendName, createBackend, createFirstBackend } from '../../../src/model/backends/index.js';
import { type NativeRuntime, startNative } from '../../../src/model/backends/native.js';
import { LABELS } from '../../../src/model/labels.js';
import type { Classifier, Explainer, ModelFiles } from '../../../src/model/model.js';
import { createClassifier } from '../../../src/model/plan/index.js';
import { createRecognizer } from '../../../src/model/recognizer.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/model/weights.js';
import { hasNative } from '../../support/native.js';
import { randomNumbers } from '../../support/random.js';

const native = hasNative();
const real = nativeRuntime(join(packageRoot(), 'native'));

describe('native TensorFlow that does not start', () => {
  const failing = (runtime: Partial<NativeRuntime>) => startNative('node-gpu', { ...real, ...runtime });

  it('is not installed: says which package and what installs it', async () => {
    await expect(failing({ has: () => false })).rejects.toMatchObject({
      code: 'backend_unavailable',
      message: expect.stringMatching(/tfjs-node-gpu is not installed\. .*npm run setup:native -- --gpu/),
      details: { package: '@tensorflow/tfjs-node-gpu' },
    });
  });

  it('lacks a library: says what the loader says', async () => {
    const load = () => {
      throw new Error('libcudart.so.11.0: cannot open shared object file\nRequire stack:');
    };
    await expect(failing({ has: () => true, load })).rejects.toMatchObject({
      code: 'backend_unavailable',
      message:
        '@tensorflow/tfjs-node-gpu is installed and does not load: libcudart.so.11.0: cannot open shared object file',
    });
  });

  it('is of another copy of tfjs', async () => {
    await expect(failing({ has: () => true, load: () => {} })).rejects.toThrow(/another copy/);
  });
});

/** Crops of smooth noise, no two alike. */
function noise(count: number): Uint8Array {
  const random = randomNumbers(3);
  const crops = new Uint8Array(count * 48 * 48);
  crops.forEach((_, i) => {
    crops[i] = Math.round(((crops[i - 1] ?? 128) * 3 + 128 + 127 * random()) / 4);
  });
  return crops;
}

const largest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);

describe.skipIf(!native)('native TensorFlow, installed', () => {
  /** What users are promised of all backends. */
  const TOLERANCE = 1e-4;
  const CROPS = 12;
  const crops = noise(CROPS);
  const explained = crops.subarray(0, 5 * 48 * 48);
  const labels = Array.from({ length: 5 }, (_, i) => i % LABELS.length);
  let assets: Assets;
  let model: ModelFiles;
  beforeAll(async () => {
    assets = await loadAssets();
    model = await loadModel(join(packageRoot(), 'models', 'mien-v1'));
  });

  async function on<T>(
    name: BackendName,
    use: (classifier: Classifier & Explainer) => T,
    files = model,
  ): Promise<T> {
    const classifier = createClassifier(files, await createBackend(name, assets));
    try {
      return use(classifier);
    } finally {
      classifier.dispose();
    }
  }

  it('is skipped for node-gpu where it sees no GPU, and then taken for node', async () => {
    // The two packages' addons are the same; tfjs-node's library knows no GPUs.
    const runtime = { ...real, has: () => true, load: () => real.load('@tensorflow/tfjs-node') };
    const skipped: string[] = [];
    const { name } = await createFirstBackend(
      ['node-gpu', 'node', 'wasm'],
      { ...assets, native: (one) => startNative(one, runtime) },
      (_, reason) => skipped.push(reason),
    );
    expect(skipped).toEqual([
      '@tensorflow/tfjs-node-gpu is loaded, but libtensorflow sees no GPU that it can use.',
    ]);
    expect([name, tf.getBackend()]).toEqual(['node', 'tensorflow']);
  });

  it('gives the probabilities and the evidence that wasm gives', { timeout: 60_000 }, async () => {
    const both = (classifier: Classifier & Explainer) =>
      [classifier.classify(crops), classifier.evidence(explained, labels).values] as const;
    const [wasm, node] = [await on('wasm', both), await on('node', both)];
    expect(largest(wasm[0], node[0])).toBeLessThan(TOLERANCE);
    // Evidence is not between 0 and 1, so that the bound is a share of its own largest value.
    const strongest = wasm[1].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest(wasm[1], node[1]) / strongest).toBeLessThan(TOLERANCE);

    // The controls: crops differ by more than that, and so does a network with one kernel mirrored.
    expect(largest(wasm[0].subarray(0, 7), wasm[0].subarray(7, 14))).toBeGreaterThan(10 * TOLERANCE);
    const weights = decodeSafetensors(model.weights);
    const { shape, data } = weights.get('m10.conv1.weight') as { shape: number[]; data: Float32Array };
    const mirrored = data.map((_, i) => data[i - (i % 3) + 2 - (i % 3)] as number);
    const wrong = encodeSafetensors(new Map(weights).set('m10.conv1.weight', { shape, data: mirrored }));
    const other = await on('node', (classifier) => classifier.classify(crops), { ...model, weights: wrong });
    expect(largest(wasm[0], other)).toBeGreaterThan(10 * TOLERANCE);
  });

  it('gives each crop its own, however many there are', async () => {
    await on('node', (classifier) => {
      const all = classifier.classify(crops);
      for (const count of [1, 2, 3, 5, 11]) {
        const some = classifier.classify(crops.subarray(0, count * 48 * 48));
        // The order in which oneDNN adds depends on the number of crops.
        expect(largest(some, all)).toBeLessThan(1e-5);
      }
    });
  });

  it('computes beside wasm in one process, each on its own', { timeout: 60_000 }, async () => {
    const recognizers = [];
    for (const backend of ['wasm', 'node'] as const)
      recognizers.push(await createRecognizer({ assets, model, backend }));
    const photo = readFileSync(join(packageRoot(), 'test/fixtures/astronaut.png'));
    // wasm's is asked when the other is current, and the other way round.
    const [wasm, node, again] = [
      await recognizers[0]?.recognize(photo, { saliency: 'top' }),
      await recognizers[1]?.recognize(photo),
      await recognizers[0]?.classify(explained),
    ];
    expect([wasm, node].map((answer) => [answer?.backend, answer?.faces.length])).toEqual([
      ['wasm', 1],
      ['node', 1],
    ]);
    const happy = [wasm, node].map((answer) => answer?.faces[0]?.expressions[0]?.score as number);
    expect(Math.abs((happy[0] as number) - (happy[1] as number))).toBeLessThan(0.01);
    expect(again).toEqual(await on('wasm', (classifier) => classifier.classify(explained)));
    for (const recognizer of recognizers) recognizer.dispose();
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    await on('node', (classifier) => {
      classifier.classify(explained);
      classifier.evidence(explained, labels);
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
