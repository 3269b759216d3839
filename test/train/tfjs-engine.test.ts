/** The tfjs engine: against the torch engine, where a Python has torch (npm run setup:torch), and by itself. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPython, TORCH_ENGINE } from '../../scripts/lib/python.js';
import { readConfiguration } from '../../scripts/train/config.js';
import { writeDataSet } from '../../scripts/train/data/pack.js';
import { augment } from '../../scripts/train/engines/tfjs/augment.js';
import { initialWeights } from '../../scripts/train/engines/tfjs/initialise.js';
import { Random } from '../../scripts/train/engines/tfjs/random.js';
import { Schedule } from '../../scripts/train/engines/tfjs/schedule.js';
import { type Batch, Trainer } from '../../scripts/train/engines/tfjs/trainer.js';
import { loadAssets } from '../../src/assets/node.js';
import { type Architecture, formatArchitecture } from '../../src/model/architecture.js';
import { createBackend } from '../../src/model/backends/index.js';
import { enlarge } from '../../src/model/enlarge.js';
import { table1 } from '../../src/model/table1.js';
import { decodeSafetensors, encodeSafetensors, type Weights } from '../../src/model/weights.js';
import { generatedFaces } from '../support/faces.js';

const python = findPython();
if (!python)
  console.warn('skipped: tfjs against torch; no Python has torch (npm run setup:torch installs it)');

const SMOKE = join('scripts', 'train', 'configs', 'smoke.json');
const { architecture: _, ...smoke } = readConfiguration(SMOKE);
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

const STEPS = 10;
const RATE = 0.002;

/** The same batch, taken STEPS times by torch: losses, the first step's gradients and the last weights. */
function byTorch(
  arch: Architecture,
  weights: Weights,
  votes: Weights,
  { pictures, side, targets, shares }: Batch,
) {
  const count = targets.length / 7;
  const file = (name: string) => join(folder, name);
  writeFileSync(file('architecture.json'), formatArchitecture(arch));
  writeFileSync(file('weights.safetensors'), encodeSafetensors(weights));
  const batch: Weights = new Map([
    ['pictures', { shape: [count, 1, side, side], data: pictures }],
    ['targets', { shape: [count, 7], data: targets }],
    ['shares', { shape: [count, 10], data: shares }],
    ...votes,
  ]);
  writeFileSync(file('batch.safetensors'), encodeSafetensors(batch));
  const { momentum, nesterov, weightDecay } = smoke.optimizer;
  const code = `
import json, torch, torch.nn.functional as F
from safetensors.torch import load_file, save_file
from network import Network, load_tensors, tensors_of
from train import parameter_groups
network = Network(json.load(open("architecture.json"))).train()
load_tensors(network, load_file("weights.safetensors"))
batch = load_file("batch.safetensors")
votes = torch.nn.Linear(batch["weight"].shape[0], 10)
with torch.no_grad():
    votes.weight.copy_(batch["weight"].T)
    votes.bias.copy_(batch["bias"])
optimizer = torch.optim.SGD(parameter_groups([network, votes], ${weightDecay}), lr=${RATE}, momentum=${momentum}, nesterov=${nesterov ? 'True' : 'False'})
out = {"losses": []}
for step in range(${STEPS}):
    logits, features = network.classify(batch["pictures"])
    loss = F.cross_entropy(logits, batch["targets"])
    out["losses"].append(loss.item())
    extra = -(batch["shares"] * F.log_softmax(votes(features), 1)).sum(1).mean()
    optimizer.zero_grad()
    (loss + ${smoke.labels.ferplus} * extra).backward()
    if step == 0:
        out |= {"gradient/" + name: p.grad.clone() for name, p in network.named_parameters()}
        out["gradient/votes.bias"] = votes.bias.grad.clone()
    optimizer.step()
out |= {"after/" + name: tensor for name, tensor in tensors_of(network).items()}
out["losses"] = torch.tensor(out["losses"], dtype=torch.float64).float()
save_file({name: t.contiguous() for name, t in out.items()}, "torch.safetensors")`;
  const { status, stderr } = spawnSync(python as string, ['-c', code], {
    cwd: folder,
    env: { ...process.env, PYTHONPATH: join(process.cwd(), TORCH_ENGINE), OMP_NUM_THREADS: '1' },
  });
  if (status !== 0) throw new Error(`${stderr}`);
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
  const arch = table1({ side: 32, dilations: [1, 2, 3, 4], rates: [1, 2, 3], dropout: 0 });
  const weights = calmWeights(arch);
  const batch = noise(32, 6);
  let theirs: Weights;
  const trainerOf = (own: Weights, architecture = arch) =>
    new Trainer(architecture, { ...smoke, init: 'given' }, own);

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
      .filter((name) => name.startsWith('gradient/'))
      .map((name) => {
        const own = gradients[name.slice(9)] as tf.Tensor;
        return { name, distance: apart(inFileLayout(own), theirs.get(name)?.data as Float32Array) };
      });
    tf.dispose(gradients);
    trainer.dispose();
    const their = theirs.get('losses')?.data[0] as number;
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
    const undilated = table1({ side: 32, dilations: [1, 1, 3, 4], rates: [1, 2, 3], dropout: 0 });
    expect(worst(compare(trainerOf(weights, undilated)).distances)).toBeGreaterThan(1e-2);
  });

  it('stay together for ten steps, running moments and all', () => {
    const trainer = trainerOf(weights);
    const losses = Float32Array.from({ length: STEPS }, (_, step) =>
      trainer.step(batch, RATE, step, new Random(step)),
    );
    const after = new Map(
      [...trainer.network.variables].map(([name, variable]) => [name, inFileLayout(variable)]),
    );
    trainer.dispose();
    const distances = [...after].map(([name, own]) =>
      apart(own, theirs.get(`after/${name}`)?.data as Float32Array),
    );
    const start = [...after.keys()].map((name) =>
      apart(weights.get(name)?.data as Float32Array, theirs.get(`after/${name}`)?.data as Float32Array),
    );
    console.log(
      `after ten steps: losses ${apart(losses, theirs.get('losses')?.data as Float32Array)}, weights ${Math.max(...distances)}`,
    );
    expect(losses[STEPS - 1]).toBeLessThan(losses[0] as number);
    expect(apart(losses, theirs.get('losses')?.data as Float32Array)).toBeLessThan(1e-5);
    expect(Math.max(...distances)).toBeLessThan(1e-3);
    // The control: ten steps lead further away than that.
    expect(Math.max(...start)).toBeGreaterThan(10 * Math.max(...distances));
  });
});

describe.skipIf(!python)('the schedule', () => {
  it.each(['cosine', 'constant'] as const)('is torch’s at every step, %s', (decay) => {
    const stages = [
      { side: 16, epochs: 2, batch: 16 },
      { side: 24, epochs: 3, batch: 10 },
    ];
    const optimizer = { ...smoke.optimizer, decay };
    const ours = new Schedule(stages, 101, optimizer);
    const steps = Array.from({ length: ours.steps }, (_, step) => step);
    const code = `
import json, sys
from schedule import Schedule
stages, optimizer = json.loads(sys.argv[1])
s = Schedule(stages, 101, optimizer)
print(json.dumps([[s.at(i)[1], s.at(i)[2], s.seen(i), s.rate(i)] for i in range(s.steps)]))`;
    const { stdout } = spawnSync(python as string, ['-c', code, JSON.stringify([stages, optimizer])], {
      env: { ...process.env, PYTHONPATH: TORCH_ENGINE },
      encoding: 'utf8',
    });
    const theirs: number[][] = JSON.parse(stdout);
    expect(steps.map((step) => [ours.at(step).epoch, ours.at(step).batch, ours.seen(step)])).toEqual(
      theirs.map((row) => row.slice(0, 3)),
    );
    for (const step of steps) expect(ours.rate(step)).toBeCloseTo(theirs[step]?.[3] as number, 12);
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

describe('training by tfjs', () => {
  const data = join(folder, 'faces');
  beforeAll(() => {
    writeDataSet(data, 'generated', generatedFaces(112));
  });

  const engine = (name: string, ...more: string[]): ChildProcess => {
    const options = [
      '--engine',
      'tfjs',
      '--config',
      SMOKE,
      '--data',
      data,
      '--run',
      join(folder, name),
      ...more,
    ];
    return spawn(process.execPath, ['--import', 'tsx', join('scripts', 'train', 'train.ts'), ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };
  const ended = (child: ChildProcess) => new Promise((done) => child.on('close', done));
  const weights = (name: string) => decodeSafetensors(readFileSync(join(folder, name, 'last.safetensors')));

  it('leaves no tensor behind', () => {
    const arch = table1({ side: 16 });
    const before = tf.memory().numTensors;
    const trainer = new Trainer(arch, smoke);
    trainer.step(noise(16, 4), RATE, 0, new Random(1));
    const loaded = tf.memory().numTensors;
    expect(loaded).toBeGreaterThan(before);
    trainer.step(noise(16, 4), RATE, 1, new Random(2));
    trainer.restore(trainer.state());
    trainer.average();
    expect(tf.memory().numTensors).toBe(loaded);
    trainer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('ends with the same weights when it is killed and resumed', async () => {
    expect(await ended(engine('whole'))).toBe(0);
    const history = readFileSync(join(folder, 'whole', 'history.jsonl'), 'utf8');
    const rows = history
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(({ epoch, side }) => [epoch, side])).toEqual([
      [1, 16],
      [2, 16],
      [3, 24],
      [4, 24],
    ]);
    expect(rows[3].loss).toBeLessThan(rows[0].loss);
    expect(existsSync(join(folder, 'whole', 'best.safetensors'))).toBe(true);

    const killed = engine('killed');
    await new Promise<void>((done) => {
      killed.stdout?.on('data', (text: Buffer) => {
        if (text.toString().includes('epoch 2')) done();
      });
    });
    killed.kill('SIGKILL');
    await ended(killed);
    expect(existsSync(join(folder, 'killed', 'last.safetensors'))).toBe(true);
    expect(weights('killed')).not.toEqual(weights('whole')); // the control: it had not ended
    expect(await ended(engine('killed', '--resume'))).toBe(0);
    expect(weights('killed')).toEqual(weights('whole'));
    expect(readFileSync(join(folder, 'killed', 'history.jsonl'), 'utf8')).toBe(history);
  }, 240_000);

  it('refuses what it cannot do', async () => {
    const config = join(folder, 'half.json');
    const given = JSON.parse(readFileSync(SMOKE, 'utf8'));
    writeFileSync(config, JSON.stringify({ ...given, precision: 'bfloat16' }));
    const child = engine('half', '--config', config);
    let said = '';
    child.stderr?.on('data', (text) => {
      said += text;
    });
    expect(await ended(child)).toBe(1);
    expect(said).toContain('the tfjs engine trains in float32, not bfloat16');
  });
});
