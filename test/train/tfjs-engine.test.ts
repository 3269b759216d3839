/** The tfjs engine's parts: against the torch engine's, where a Python has torch (npm run setup:torch), and alone. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfiguration } from '../../scripts/train/config.js';
import type { DataSet } from '../../scripts/train/data/pack.js';
import { augment } from '../../scripts/train/engines/tfjs/augment.js';
import { initialWeights } from '../../scripts/train/engines/tfjs/initialise.js';
import { measureWeights } from '../../scripts/train/engines/tfjs/measure.js';
import { countAnew } from '../../scripts/train/engines/tfjs/precise-norm.js';
import { Random } from '../../scripts/train/engines/tfjs/random.js';
import { Schedule } from '../../scripts/train/engines/tfjs/schedule.js';
import { type Batch, Trainer } from '../../scripts/train/engines/tfjs/trainer.js';
import { loadAssets } from '../../src/assets/node.js';
import { type Architecture, formatArchitecture } from '../../src/model/architecture.js';
import { createBackend } from '../../src/model/backends/index.js';
import { enlarge } from '../../src/model/enlarge.js';
import { Network, type Training } from '../../src/model/network.js';
import { table1 } from '../../src/model/table1.js';
import { decodeSafetensors, encodeSafetensors, type Weights } from '../../src/model/weights.js';
import { hasNative } from '../support/native.js';
import { python, runPython, SMOKE } from '../support/training.js';

const { architecture: _, data: __, ...smoke } = readConfiguration(SMOKE);
/** smoke.json's recipe as plain SGD, and without what is drawn. */
const plain = {
  ...smoke,
  stochasticDepth: 0,
  optimizer: { ...smoke.optimizer, kind: 'sgd' as const, weightDecay: 0.0005 },
};
/** Training faces by class, for logit adjustment. */
const COUNTS = [4, 1, 4, 7, 5, 3, 5];
const shares = COUNTS.map((count) => count / COUNTS.reduce((a, b) => a + b));
const folder = mkdtempSync(join(tmpdir(), 'mien-tfjs-'));
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  await createBackend('wasm', await loadAssets());
});

/** A batch of noise, with a distribution each for labels and votes. */
function noise(side: number, count: number): Batch {
  const random = new Random(5);
  const distributions = (size: number) => {
    const rows = Array.from({ length: count }, () => Array.from({ length: size }, () => random.uniform()));
    return Float32Array.from(rows.flatMap((row) => row.map((value) => value / row.reduce((a, b) => a + b))));
  };
  const pictures = Float32Array.from({ length: count * side * side }, () => random.uniform(0, 255));
  return { pictures, side, targets: distributions(7), shares: distributions(10) };
}

/** Few: Muon turns its weakest directions up, and with them the last bits of the gradients. */
const STEPS = 3;
const RATE = 0.002;
const SAM = 0.5;

/**
 * The same batch, taken STEPS times by the torch engine's parts, from the same start by SGD, by SAM and by Muon: losses,
 * the first step's gradients, the last weights; and how often stochastic depth would skip each block.
 */
function byTorch(
  arch: Architecture,
  weights: Weights,
  votes: Weights,
  { pictures, side, targets, shares: votesShares }: Batch,
) {
  const count = targets.length / 7;
  const file = (name: string) => join(folder, name);
  writeFileSync(file('architecture.json'), formatArchitecture(arch));
  writeFileSync(file('weights.safetensors'), encodeSafetensors(weights));
  const batch: Weights = new Map([
    ['pictures', { shape: [count, 1, side, side], data: pictures }],
    ['targets', { shape: [count, 7], data: targets }],
    ['shares', { shape: [count, 10], data: votesShares }],
    ...votes,
  ]);
  writeFileSync(file('batch.safetensors'), encodeSafetensors(batch));
  const code = `
import json, os, sys, torch
os.chdir(sys.argv[1])
from safetensors.torch import load_file, save_file
from learner import Learner, Losses
from network import Network, Skippable, load_tensors, skip_blocks, tensors_of
from optimizer import Sharpness, optimizer_of
recipe, counts = json.loads(sys.argv[2]), json.loads(sys.argv[3])
batch = load_file("batch.safetensors")
labels = torch.arange(7).repeat_interleave(torch.tensor(counts))
losses_of = Losses(recipe["labels"], labels, None)
out = {}

def run(name, kind, sam):
    network = Network(json.load(open("architecture.json"))).train()
    load_tensors(network, load_file("weights.safetensors"))
    learner = Learner(network, True)
    with torch.no_grad():
        learner.votes.weight.copy_(batch["weight"].T)
        learner.votes.bias.copy_(batch["bias"])
    optimizer = optimizer_of(learner, recipe["optimizer"] | {"kind": kind})
    sharpness, losses = Sharpness(learner, sam), []
    def learn():
        loss, total = losses_of(learner(batch["pictures"]), batch["targets"], batch["shares"], None)
        total.backward()
        return loss.item()
    for step in range(${STEPS}):
        losses.append(learn())
        if step == 0:
            out.update({f"{name}/gradient/{n}": p.grad.clone() for n, p in network.named_parameters()})
            out[f"{name}/gradient/votes.bias"] = learner.votes.bias.grad.clone()
        if sam:
            sharpness.climb()
            learn()
            sharpness.back()
        optimizer.step()
        learner.zero_grad()
    out.update({f"{name}/after/{n}": tensor for n, tensor in tensors_of(network).items()})
    out[f"{name}/losses"] = torch.tensor(losses)
    skip_blocks(network, 0.5)
    out["skips"] = torch.tensor([m.skip for m in network.modules() if isinstance(m, Skippable)])

run("sgd", "sgd", 0)
run("sam", "sgd", ${SAM})
run("muon", "muon", 0)
save_file({name: t.contiguous() for name, t in out.items()}, "torch.safetensors")`;
  const recipe = { ...plain, optimizer: { ...plain.optimizer, learningRate: RATE } };
  runPython(code, undefined, folder, JSON.stringify(recipe), JSON.stringify(COUNTS));
  return decodeSafetensors(readFileSync(file('torch.safetensors')));
}

/**
 * Initial weights, but with batch norms that keep most activations clear of zero. Where many lie near it, their
 * ReLUs open or close with the last bits, and torch's own float32 gradients are 1 to 5 % from its float64 ones; from
 * these weights they are within 0.02 %.
 */
function calmWeights(arch: Architecture): Weights {
  const weights = initialWeights(arch, 1);
  for (const [name, { data }] of weights) {
    if (/norm\d?\.bias$/.test(name)) data.fill(1);
    if (/norm2\.weight$/.test(name)) data.fill(0.5);
  }
  return weights;
}

/** ‖a − b‖ / ‖b‖, or ‖a − b‖ where b is next to nothing. */
function apart(a: Float32Array, b: Float32Array): number {
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const difference = norm(a.map((value, at) => value - (b[at] as number)));
  return difference / Math.max(norm(b), 1e-3);
}

/** In the file's layout. */
function inFileLayout(tensor: tf.Tensor): Float32Array {
  const turned =
    tensor.rank === 4
      ? tf.transpose(tensor, [3, 2, 0, 1])
      : tensor.rank === 2
        ? tf.transpose(tensor)
        : tensor;
  return turned.dataSync<'float32'>().slice();
}

describe.skipIf(!python)('the two engines, from the same weights and batch', () => {
  // Half as many channels have gradients ten times further apart: their sums are of fewer values.
  const shape = { side: 32, groups: 2, dilations: [1, 2, 3, 4], rates: [1, 2, 3], dropout: 0 } as const;
  const arch = table1(shape);
  const weights = calmWeights(arch);
  const batch = noise(32, 6);
  let theirs: Weights;
  const trainerOf = (own: Weights, architecture = arch, recipe: typeof smoke = plain) =>
    new Trainer(architecture, { ...recipe, init: 'given' }, shares, own);

  beforeAll(() => {
    const trainer = trainerOf(weights);
    const state = trainer.state();
    const votes: Weights = new Map(
      ['weight', 'bias'].map((name) => [
        name,
        state.get(`network/votes.${name}`) as { shape: number[]; data: Float32Array },
      ]),
    );
    trainer.dispose();
    theirs = byTorch(arch, weights, votes, batch);
  }, 120_000);

  /** Largest distance of a gradient from torch's, and the loss's. */
  function compare(trainer: Trainer) {
    const { loss, gradients } = trainer.gradients(batch, new Random(1));
    const distances = [...theirs.keys()]
      .filter((name) => name.startsWith('sgd/gradient/'))
      .map((name) => {
        const own = gradients[name.slice('sgd/gradient/'.length)] as tf.Tensor;
        return { name, distance: apart(inFileLayout(own), theirs.get(name)?.data as Float32Array) };
      });
    tf.dispose(gradients);
    trainer.dispose();
    const their = theirs.get('sgd/losses')?.data[0] as number;
    return { loss: Math.abs(loss - their) / their, distances };
  }
  const worst = (distances: { distance: number }[]) => Math.max(...distances.map(({ distance }) => distance));

  it('have the same loss and the same gradients', () => {
    const { loss, distances } = compare(trainerOf(weights));
    console.log(`loss ${loss}, gradients at most ${worst(distances)} apart (relative)`);
    expect(distances.length).toBeGreaterThan(100);
    expect(loss).toBeLessThan(1e-5);
    expect(distances.filter(({ distance }) => !(distance < 1e-3))).toEqual([]);
  });

  it('and the comparison sees a mirrored kernel and a missing dilation', () => {
    const kernel = weights.get('m10.conv3.weight') as { shape: number[]; data: Float32Array };
    const mirrored = kernel.data.map((_, at) => kernel.data[at - (at % 3) + 2 - (at % 3)] as number);
    const turned = new Map(weights).set('m10.conv3.weight', { shape: kernel.shape, data: mirrored });
    expect(worst(compare(trainerOf(turned)).distances)).toBeGreaterThan(1e-2);
    const undilated = table1({ ...shape, dilations: [1, 1, 3, 4] });
    expect(worst(compare(trainerOf(weights, undilated)).distances)).toBeGreaterThan(1e-2);
  });

  /** Losses of STEPS steps, and the weights after them. */
  function train(kind: 'sgd' | 'muon', sam: number) {
    const trainer = trainerOf(weights, arch, { ...plain, optimizer: { ...plain.optimizer, kind, sam } });
    const losses = Float32Array.from({ length: STEPS }, (_, step) =>
      trainer.step(batch, RATE, step, () => new Random(step)),
    );
    const after = new Map(
      [...trainer.network.variables].map(([name, variable]) => [name, inFileLayout(variable)]),
    );
    trainer.dispose();
    return { losses, after };
  }

  /** How far the losses and the weights of our steps are from those of torch's. */
  function compareSteps({ losses, after }: ReturnType<typeof train>, name: 'sgd' | 'sam' | 'muon') {
    const tensorsApart = [...after].map(([tensor, own]) =>
      apart(own, theirs.get(`${name}/after/${tensor}`)?.data as Float32Array),
    );
    const lossesApart = apart(losses, theirs.get(`${name}/losses`)?.data as Float32Array);
    const weightsApart = Math.max(...tensorsApart);
    console.log(`after ${STEPS} steps by ${name}: losses ${lossesApart}, weights ${weightsApart}`);
    return { lossesApart, weightsApart };
  }

  let bySgd: ReturnType<typeof train>;
  beforeAll(() => {
    bySgd = train('sgd', 0);
  }, 60_000);

  it('stay together for some steps, running moments and all', () => {
    const { lossesApart, weightsApart } = compareSteps(bySgd, 'sgd');
    expect(bySgd.losses[STEPS - 1]).toBeLessThan(bySgd.losses[0] as number);
    expect(lossesApart).toBeLessThan(1e-5);
    expect(weightsApart).toBeLessThan(1e-3);
    // The control: the steps lead further away than that.
    const start = new Map([...weights].map(([name, { data }]) => [name, data as Float32Array]));
    expect(compareSteps({ ...bySgd, after: start }, 'sgd').weightsApart).toBeGreaterThan(10 * weightsApart);
  });

  it('stay together by sharpness-aware minimisation, which plain SGD leaves', () => {
    const { lossesApart, weightsApart } = compareSteps(train('sgd', SAM), 'sam');
    expect(lossesApart).toBeLessThan(1e-5);
    expect(weightsApart).toBeLessThan(1e-3);
    expect(compareSteps(bySgd, 'sam').weightsApart).toBeGreaterThan(10 * weightsApart);
  });

  it('stay together by Muon, which plain SGD leaves', () => {
    const byMuon = train('muon', 0);
    const { lossesApart, weightsApart } = compareSteps(byMuon, 'muon');
    expect(byMuon.losses[STEPS - 1]).toBeLessThan(byMuon.losses[0] as number);
    expect(lossesApart).toBeLessThan(1e-5);
    expect(weightsApart).toBeLessThan(5e-3);
    expect(compareSteps(bySgd, 'muon').weightsApart).toBeGreaterThan(10 * weightsApart);
  });

  it('skip the same blocks as often, by stochastic depth', () => {
    const network = new Network(arch, weights);
    const skips: number[] = [];
    network.forward(tf.zeros([2, 32, 32, 1]), {
      depth: 0.5,
      mask: (shape, share) => {
        expect(shape).toEqual([2, 1, 1, 1]);
        skips.push(share);
        return tf.ones(shape);
      },
      follow: () => {},
    });
    network.dispose();
    const theirSkips = [...(theirs.get('skips')?.data as Float32Array)];
    expect(skips.map(Math.fround)).toEqual(theirSkips);
    expect(skips.at(-1)).toBe(0.5);
  });
});

describe('precise batch norm', () => {
  // Dropout and stochastic depth, which must do nothing here, would be seen.
  const shape = { side: 32, width: 0.5, dilations: [1, 2, 3, 4], rates: [1, 2, 3] } as const;
  const arch = table1({ ...shape, dropout: 0.3 });
  const weights = calmWeights(arch);
  const random = new Random(6);
  // Brighter from crop to crop, so that batches in this order would differ.
  const images = Uint8Array.from({ length: 100 * 48 * 48 }, (_, at) =>
    random.uniform(0, 50 + 2 * Math.floor(at / (48 * 48))),
  );
  const rows = (count: number) => Array.from({ length: count }, (_, row) => row);

  it('counts what one batch has, so that it is scored as in training', () => {
    const counted = countAnew(arch, weights, images, rows(40));
    const undropped = table1({ ...shape, dropout: 0 });
    const logits = (own: Weights, training?: Training) => {
      const network = new Network(undropped, own);
      const pictures = tf.tensor4d(enlarge(images.subarray(0, 40 * 48 * 48), 32), [40, 32, 32, 1]);
      const values = network.forward(pictures, training).logits.dataSync<'float32'>().slice();
      network.dispose();
      return values;
    };
    const inTraining = logits(weights, { depth: 0, mask: (shape) => tf.ones(shape), follow() {} });
    expect(apart(logits(counted), inTraining)).toBeLessThan(0.01);
    expect(apart(logits(weights), inTraining)).toBeGreaterThan(0.1);
    const changed = [...counted.keys()].filter((name) => counted.get(name) !== weights.get(name));
    expect(changed).toEqual([...weights.keys()].filter((name) => name.includes('.running_')));
  });

  it.skipIf(!python)('is the torch engine’s', () => {
    const counted = countAnew(arch, weights, images, rows(100));
    writeFileSync(join(folder, 'architecture.json'), formatArchitecture(arch));
    writeFileSync(join(folder, 'weights.safetensors'), encodeSafetensors(weights));
    const code = `
import contextlib, sys, torch
from safetensors.torch import save
from build import load
from network import skip_blocks, tensors_of
from parallel import Processes
from precise_norm import count_anew
network = load(sys.argv[1] + "/architecture.json", sys.argv[1] + "/weights.safetensors")
skip_blocks(network, 0.5)
images = torch.frombuffer(bytearray(sys.stdin.buffer.read()), dtype=torch.uint8).view(-1, 1, 48, 48)
count_anew(network, images, 32, Processes(), contextlib.nullcontext)
assert not any(module.training for module in network.modules())
sys.stdout.buffer.write(save(tensors_of(network)))`;
    const theirs = decodeSafetensors(runPython(code, images, folder));
    const distances = (own: Weights) =>
      [...theirs].map(([name, { data }]) => apart(own.get(name)?.data as Float32Array, data));
    const most = Math.max(...distances(counted));
    console.log(`statistics at most ${most} apart (relative)`);
    expect(most).toBeLessThan(1e-4);
    // The control: batches in the crops' order have smaller variances.
    const inOrder = rows(100).map((i) => (i % 2) * 50 + Math.floor(i / 2));
    expect(Math.max(...distances(countAnew(arch, weights, images, inOrder)))).toBeGreaterThan(1e-2);
  });
});

describe.skipIf(!python)('the schedule', () => {
  const stages = [
    { side: 16, epochs: 2, batch: 16 },
    { side: 24, epochs: 3, batch: 10 },
  ];
  const DECAYS = ['cosine', 'linear', 'constant'] as const;

  it(`is torch’s at every step: ${DECAYS.join(', ')}`, () => {
    const optimizers = DECAYS.map((decay) => ({ ...smoke.optimizer, decay }));
    const code = `
import json, sys
from schedule import Schedule
stages, optimizers = json.loads(sys.argv[1])
schedules = [Schedule(stages, 101, optimizer) for optimizer in optimizers]
print(json.dumps([
    [[s.at(i)[1], s.at(i)[2], s.seen(i), s.ends_with(i, 1), s.ends_with(i, 2), s.rate(i)] for i in range(s.steps)]
    for s in schedules
]))`;
    const theirs: (number | boolean)[][][] = JSON.parse(
      runPython(code, undefined, JSON.stringify([stages, optimizers])).toString(),
    );
    for (const [which, optimizer] of optimizers.entries()) {
      const ours = new Schedule(stages, 101, optimizer);
      const steps = Array.from({ length: ours.steps }, (_, step) => step);
      const own = (step: number) => {
        const { epoch, batch } = ours.at(step);
        return [epoch, batch, ours.seen(step), ours.ends(step, 1), ours.ends(step, 2)];
      };
      expect(steps.map(own)).toEqual(theirs[which]?.map((row) => row.slice(0, -1)));
      for (const step of steps)
        expect(ours.rate(step)).toBeCloseTo(theirs[which]?.[step]?.at(-1) as number, 12);
    }
  });
});

describe('tfjs’s augmentation', () => {
  const crops = Uint8Array.from({ length: 16 * 48 * 48 }, (_, at) => (at * 31) % 97);
  const none = Object.fromEntries(
    Object.keys(smoke.augmentation).map((name) => [name, 0]),
  ) as typeof smoke.augmentation;

  it('changes nothing but the size when every option is zero', () => {
    const few = crops.subarray(0, 2 * 48 * 48);
    const ours = augment(few, 96, none, new Random(1));
    const plain = enlarge(few, 96);
    expect(Math.max(...ours.map((value, at) => Math.abs(value - (plain[at] as number))))).toBeLessThan(1e-3);
  });

  it.each([
    'rotation',
    'scale',
    'shift',
    'horizontalFlip',
    'verticalFlip',
    'brightness',
    'contrast',
    'erasing',
  ] as const)('changes the picture by %s, the same for the same seed', (name) => {
    const options = { ...none, [name]: name === 'rotation' ? 10 : 0.5 };
    const changed = augment(crops, 48, options, new Random(1));
    expect(Math.max(...changed.map((value, at) => Math.abs(value - (crops[at] as number))))).toBeGreaterThan(
      5,
    );
    expect(augment(crops, 48, options, new Random(1))).toEqual(changed);
    expect(augment(crops, 48, options, new Random(2))).not.toEqual(changed);
  });
});

describe.skipIf(!hasNative())('on native TensorFlow', () => {
  afterAll(async () => {
    await createBackend('wasm');
  });

  it('measures weights as on wasm', async () => {
    const arch = table1({ side: 32, width: 0.5 });
    const random = new Random(7);
    const count = 40;
    const set = {
      images: Uint8Array.from({ length: count * 48 * 48 }, () => random.uniform(0, 255)),
      labels: Uint8Array.from({ length: count }, (_, row) => row % 7),
    } as DataSet;
    const rows = Array.from({ length: count }, (_, row) => row);
    const by = async (name: 'wasm' | 'node', weights: Weights) =>
      measureWeights(await createBackend(name, await loadAssets()), arch, weights, set, rows).loss;
    const [wasm, node] = [await by('wasm', calmWeights(arch)), await by('node', calmWeights(arch))];
    expect(node).toBeCloseTo(wasm, 4);
    // The control: other weights.
    expect(await by('node', initialWeights(arch, 2))).not.toBeCloseTo(wasm, 4);
  });
});

describe('the trainer', () => {
  it.each([
    ['sgd', 0],
    ['sgd', SAM],
    ['muon', 0],
  ] as const)('without class maps leaves the decoder as it is, by %s, SAM %f', (kind, sam) => {
    const arch = table1({ side: 16, width: 0.5, head: { maps: false, features: true, dropout: 0 } });
    const recipe = { ...plain, optimizer: { ...plain.optimizer, kind, sam } };
    const trainer = new Trainer(arch, { ...recipe, init: 'given' }, shares, calmWeights(arch));
    const values = () =>
      new Map([...trainer.network.variables].map(([name, variable]) => [name, variable.dataSync().slice()]));
    const before = values();
    for (let step = 0; step < 2; step++) trainer.step(noise(16, 4), RATE, step, () => new Random(step));
    const after = values();
    trainer.dispose();
    const names = [...before.keys()].filter((name) => /conv\d?\.weight$|fc|^head/.test(name));
    const moved = names.filter(
      (name) => !after.get(name)?.every((value, at) => value === before.get(name)?.[at]),
    );
    expect(moved).toEqual(names.filter((name) => !/^m(17|18|19|20|21|22|23)\./.test(name)));
  });

  it('leaves no tensor behind', () => {
    const arch = table1({ side: 16, width: 0.5 });
    const before = tf.memory().numTensors;
    const trainer = new Trainer(arch, smoke, shares);
    trainer.step(noise(16, 4), RATE, 0, () => new Random(1));
    const loaded = tf.memory().numTensors;
    expect(loaded).toBeGreaterThan(before);
    trainer.step(noise(16, 4), RATE, 1, () => new Random(2));
    trainer.restore(trainer.state());
    trainer.average();
    expect(tf.memory().numTensors).toBe(loaded);
    trainer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
