import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadAssets } from '../../src/assets/node.js';
import { type Architecture, formatArchitecture, parseArchitecture } from '../../src/model/architecture.js';
import type { Assets } from '../../src/model/assets.js';
import { type BackendName, createBackend } from '../../src/model/backends/index.js';
import { enlarge } from '../../src/model/enlarge.js';
import { Network } from '../../src/model/network.js';
import { Executor } from '../../src/model/plan/executor.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { plan } from '../../src/model/plan/planner.js';
import { valuesOf } from '../../src/model/plan/values.js';
import { table1 } from '../../src/model/table1.js';
import { encodeSafetensors, type Weights } from '../../src/model/weights.js';
import { hasNative } from '../support/native.js';
import { livelyWeights } from '../support/networks.js';
import { randomNumbers } from '../support/random.js';

const random = randomNumbers(7);
const crops = Uint8Array.from({ length: 2 * 48 * 48 }, () => Math.floor((random() + 1) * 128));

let assets: Assets;
beforeAll(async () => {
  assets = await loadAssets();
});

const computed = new Map<string, Float32Array>();

/** By lively weights, once an architecture, of tfjs's own operations: its cpu backend, which `npm run parity` has, takes seconds. */
async function byTrainingForm(arch: Architecture): Promise<Float32Array> {
  const key = JSON.stringify(arch);
  const known = computed.get(key);
  if (known) return known;
  await createBackend('wasm', assets);
  const network = new Network(arch, livelyWeights(arch));
  const pictures = tf.tensor4d(enlarge(crops, arch.side), [2, arch.side, arch.side, 1]);
  const logits = network.forward(pictures).logits.dataSync<'float32'>();
  network.dispose();
  computed.set(key, logits);
  return logits;
}

async function byPlan(
  arch: Architecture,
  weights: Weights,
  name: BackendName = 'wasm',
): Promise<Float32Array> {
  const backend = await createBackend(name, assets);
  const runner = backend.compile(plan(arch, weights));
  const logits = runner.run(enlarge(crops, arch.side), 2);
  runner.dispose();
  return logits;
}

/** Largest difference as a share of the logits' own spread. */
function difference(a: Float32Array, b: Float32Array): number {
  const spread = Math.max(...a) - Math.min(...a);
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number)))) / spread;
}

// float32 sums of some hundred terms in another order, through 40 layers.
const TOLERANCE = 1e-4;

const heads = {
  maps: { maps: true, features: false, dropout: 0 },
  features: { maps: false, features: true, dropout: 0 },
};

/** The second block of every stage takes its channels in two groups, whatever those around it do. */
const regrouped = (arch: Architecture): Architecture => ({
  ...arch,
  rows: arch.rows.map((row) =>
    'groups' in row && ['m4', 'm10', 'm14'].includes(row.name) ? { ...row, groups: 2 } : row,
  ),
});

const fourGroups = table1({ side: 32, dilations: [1, 2, 3, 4], rates: [1, 2, 3] });
const mixing = table1({ side: 32, width: 0.5, mixAfter: [5, 7, 10, 16, 22] });

const architectures: [string, Architecture][] = [
  ['four groups', fourGroups],
  ['two groups, one of them half pooled', table1({ side: 32, groups: 2 })],
  ['no groups, no attention', table1({ side: 24, groups: 1, rates: null })],
  ['eight groups', table1({ side: 16, groups: 8 })],
  ['class maps alone', table1({ side: 32, head: heads.maps })],
  ['features alone', table1({ side: 32, head: heads.features })],
  [
    'plain 3×3 blocks',
    table1({ side: 32, factorised: false, groups: 1, dilations: [1, 2, 3, 4], rates: null }),
  ],
  ['narrow, its groups mixed', mixing],
  ['groups that change within a stage', regrouped(table1({ side: 32 }))],
  ['an enlarged crop', table1({ side: 56 })],
];

describe('the plan computes what the training form does', () => {
  it.each(architectures)('%s', async (_, arch) => {
    const expected = await byTrainingForm(arch);
    expect(difference(expected, await byPlan(arch, livelyWeights(arch)))).toBeLessThan(TOLERANCE);
  });

  // What a mistake would do is seen below: the backends share all but the operations.
  describe.skipIf(!hasNative())('as a graph of libtensorflow', () => {
    it.each(architectures)('%s', async (_, arch) => {
      const weights = livelyWeights(arch);
      const expected = await byTrainingForm(arch);
      expect(difference(expected, await byPlan(arch, weights, 'node'))).toBeLessThan(TOLERANCE);
    });

    it('and it is seen if the groups change places', async () => {
      const arch = fourGroups;
      const weights = livelyWeights(arch);
      const { shape, data } = weights.get('m10.conv3.weight') as { shape: number[]; data: Float32Array };
      const turned = data.map((_, i) => data[(i + data.length / 4) % data.length] as number);
      const wrong = new Map(weights).set('m10.conv3.weight', { shape, data: turned });
      const expected = await byTrainingForm(arch);
      expect(difference(expected, await byPlan(arch, wrong, 'node'))).toBeGreaterThan(10 * TOLERANCE);
    });
  });

  it('and the comparison sees a mirrored kernel, a missing dilation, a moved mean', async () => {
    const arch = fourGroups;
    const weights = livelyWeights(arch);
    const expected = await byTrainingForm(arch);

    const kernel = weights.get('m10.conv3.weight') as { shape: number[]; data: Float32Array };
    const mirrored = Float32Array.from(
      kernel.data,
      (_, i) => kernel.data[i - (i % 3) + 2 - (i % 3)] as number,
    );
    const wrongKernel = new Map(weights).set('m10.conv3.weight', { shape: kernel.shape, data: mirrored });
    expect(difference(expected, await byPlan(arch, wrongKernel))).toBeGreaterThan(10 * TOLERANCE);

    const undilated = table1({ side: 32, dilations: [1, 1, 3, 4], rates: [1, 2, 3] });
    expect(difference(expected, await byPlan(undilated, weights))).toBeGreaterThan(10 * TOLERANCE);

    const mixed = livelyWeights(mixing);
    const mix = mixed.get('m5_mix.conv.weight') as { shape: [number]; data: Float32Array };
    const diagonal = mix.shape[0] + 1;
    const shifted = {
      shape: mix.shape,
      data: mix.data.map((value, i) => value + Number(i % diagonal === 0)),
    };
    const withoutInput = await byPlan(mixing, new Map(mixed).set('m5_mix.conv.weight', shifted));
    expect(difference(await byTrainingForm(mixing), withoutInput)).toBeGreaterThan(10 * TOLERANCE);

    const mean = weights.get('m20.norm.running_mean') as { shape: number[]; data: Float32Array };
    const moved = { shape: mean.shape, data: mean.data.map((value) => value + 0.1) };
    const wrongNorm = new Map(weights).set('m20.norm.running_mean', moved);
    expect(difference(expected, await byPlan(arch, wrongNorm))).toBeGreaterThan(10 * TOLERANCE);
  });
});

describe('the evidence', () => {
  const arch = fourGroups;
  const cells = arch.side * arch.side;
  /** The mean over the grid of each label's map, [2 crops, 7]. */
  const means = (evidence: Float32Array) =>
    Float32Array.from({ length: 14 }, (_, i) => {
      const own = evidence.subarray(Math.floor(i / 7) * cells * 7, (Math.floor(i / 7) + 1) * cells * 7);
      return own.reduce((sum, value, at) => (at % 7 === i % 7 ? sum + value : sum), 0) / cells;
    });

  it('averages to the logits, but for the bias of the features', async () => {
    const weights = livelyWeights(arch);
    const logits = await byPlan(arch, weights);
    const executor = new Executor(plan(arch, weights));
    const averaged = means(executor.evidence(enlarge(crops, arch.side), 2));
    executor.dispose();
    const bias = weights.get('head.bias')?.data as Float32Array;
    const rebuilt = averaged.map((value, i) => value + (bias[i % 7] as number));
    expect(difference(logits, rebuilt)).toBeLessThan(TOLERANCE);
    // The control: without the bias they are others.
    expect(difference(logits, averaged)).toBeGreaterThan(10 * TOLERANCE);
  });

  it('is the training form’s class maps where they alone make the logits', async () => {
    const alone = { ...arch, head: heads.maps };
    const weights = livelyWeights(alone);
    await createBackend('wasm', assets);
    const network = new Network(alone, weights);
    const pictures = tf.tensor4d(enlarge(crops, alone.side), [2, alone.side, alone.side, 1]);
    const expected = (network.forward(pictures).maps as tf.Tensor4D).dataSync<'float32'>();
    network.dispose();
    const executor = new Executor(plan(alone, weights));
    const maps = executor.evidence(enlarge(crops, alone.side), 2);
    executor.dispose();
    expect(maps).toHaveLength(2 * cells * 7);
    expect(difference(expected, maps)).toBeLessThan(TOLERANCE);
    const turned = maps.map((_, i) => maps[maps.length - 1 - i] as number);
    expect(difference(expected, turned)).toBeGreaterThan(10 * TOLERANCE);
  });
});

describe('createClassifier', () => {
  const arch = table1({ side: 48 });
  const model = {
    name: 'random',
    version: '0',
    architecture: JSON.parse(formatArchitecture(parseArchitecture(arch))),
    weights: encodeSafetensors(livelyWeights(arch)),
  };

  it('gives each crop its own probabilities, whatever stands beside it', async () => {
    const backend = await createBackend('wasm', assets);
    const classifier = createClassifier(model, backend);
    // More crops than one pass holds at this side.
    const many = new Uint8Array(70 * 48 * 48);
    for (let i = 0; i < 35; i++) many.set(crops, 2 * i * 48 * 48);
    const scores = classifier.classify(many);
    const alone = [0, 1].map((i) => classifier.classify(crops.subarray(i * 48 * 48, (i + 1) * 48 * 48)));
    for (let i = 0; i < 70; i++) {
      const row = scores.subarray(7 * i, 7 * i + 7);
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
      row.forEach((score, c) => {
        expect(score).toBeCloseTo(alone[i % 2]?.[c] as number, 6);
      });
    }
    classifier.dispose();
  });

  it('leaves no tensor behind', async () => {
    const backend = await createBackend('wasm', assets);
    const before = tf.memory().numTensors;
    const classifier = createClassifier(model, backend);
    const loaded = tf.memory().numTensors;
    expect(loaded).toBeGreaterThan(before);
    classifier.classify(crops);
    classifier.evidence(crops, [0, 6]);
    classifier.classify(crops);
    expect(tf.memory().numTensors).toBe(loaded);
    classifier.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    ['weight', /m1.norm, folded, holds a value that is not finite/],
    ['running_mean', /m1.norm, folded, holds a value that is not finite/],
    ['conv', /a kernel with its batch norm holds/],
  ])('refuses weights whose batch norms cannot be folded: %s', (name, message) => {
    const weights = livelyWeights(arch);
    const fill = (tensor: string, value: number) => weights.get(`m1.${tensor}`)?.data.fill(value);
    fill('norm.weight', 1);
    fill('norm.running_var', 0.01); // the norm multiplies by ten
    const tensor = name === 'conv' ? 'conv.weight' : `norm.${name}`;
    fill(tensor, 1e38);
    expect(() => plan(arch, weights)).toThrow(message);
    fill(tensor, 1e37); // the control
    expect(() => plan(arch, weights)).not.toThrow();
  });

  it('refuses crops of another size', async () => {
    const backend = await createBackend('wasm', assets);
    const classifier = createClassifier(model, backend);
    expect(() => classifier.classify(new Uint8Array(100))).toThrow(/48×48/);
    classifier.dispose();
  });
});

describe('valuesOf', () => {
  it('looks for no tensors among the values, as tidy() does, and leaves none', async () => {
    await tf.setBackend('cpu');
    const many = tf.range(0, 300_000);
    const before = tf.memory().numTensors;
    // The fastest of some: whatever else runs here only adds to a time.
    const milliseconds = (read: () => Float32Array) =>
      Math.min(
        ...Array.from({ length: 5 }, () => {
          const began = performance.now();
          expect(read()[299_999]).toBe(299_999);
          return performance.now() - began;
        }),
      );
    const own = milliseconds(() => valuesOf(() => tf.add(many, 0)));
    const within = milliseconds(() => tf.tidy(() => tf.add(many, 0).dataSync<'float32'>()));
    expect(own).toBeLessThan(within / 3);
    expect(tf.memory().numTensors).toBe(before);
    many.dispose();
  });
});

describe('enlarge', () => {
  it('equals tfjs’s bilinear resize with half-pixel centres', async () => {
    await tf.setBackend('cpu');
    const resized = tf.image.resizeBilinear(
      tf.tensor4d(crops, [2, 48, 48, 1], 'float32'),
      [112, 112],
      false,
      true,
    );
    const ours = enlarge(crops, 112);
    const theirs = resized.dataSync();
    expect(Math.max(...ours.map((value, i) => Math.abs(value - (theirs[i] as number))))).toBeLessThan(1e-3);
  });

  it('leaves a crop of the same side as it is', () => {
    expect(enlarge(crops, 48)).toEqual(Float32Array.from(crops));
  });
});
