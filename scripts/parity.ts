import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { scoresOf } from '../src/model/scores.js';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { loadAssets } from '../src/assets/node.js';
import { loadModel } from '../src/assets/node-model.js';
import { CROP_BYTES, parseArchitecture } from '../src/model/architecture.js';
import { createBackend } from '../src/model/backends/index.js';
import { enlarge } from '../src/model/enlarge.js';
import { MienError } from '../src/model/errors.js';
import { Network } from '../src/model/network.js';
import { createClassifier } from '../src/model/plan/index.js';
import { decodeSafetensors, encodeSafetensors, type Weights } from '../src/model/weights.js';
import { main, npmCommand } from './lib/command.js';
import { positive } from './lib/options.js';
import { Progress } from './lib/progress.js';
import { findPython } from './lib/python.js';
import { sampleCrops } from './lib/sample-crops.js';
import { scoreByTorch } from './lib/torch-scores.js';

/** Largest difference of any probability between two runtimes. */
const TOLERANCE = 1e-4;

async function byTrainingForm(
  architecture: unknown,
  weights: Weights,
  crops: Uint8Array,
): Promise<Float32Array> {
  await tf.setBackend('cpu');
  const arch = parseArchitecture(architecture);
  const network = new Network(arch, weights);
  const count = crops.length / CROP_BYTES;
  const out = new Float32Array(count * arch.labels.length);
  const progress = new Progress('tfjs cpu', count);
  for (let i = 0; i < count; i++) {
    const picture = enlarge(crops.subarray(i * CROP_BYTES, (i + 1) * CROP_BYTES), arch.side);
    const logits = tf.tidy(() =>
      network.forward(tf.tensor4d(picture, [1, arch.side, arch.side, 1])).logits.dataSync<'float32'>(),
    );
    out.set(scoresOf(logits, arch.smoothing), i * arch.labels.length);
    progress.update(i + 1);
  }
  network.dispose();
  return out;
}

async function byPlan(architecture: unknown, weights: Uint8Array, crops: Uint8Array): Promise<Float32Array> {
  const assets = await loadAssets();
  const backend = await createBackend('wasm', assets);
  const classifier = createClassifier({ name: 'parity', version: '0', architecture, weights }, backend);
  const scores = classifier.classify(crops);
  classifier.dispose();
  return scores;
}

/** The weights with one kernel mirrored top to bottom: a mistake that the comparison must see. */
function mirrored(weights: Weights): Uint8Array {
  const copy: Weights = new Map(weights);
  const [name, kernel] = [...weights].find(([n, w]) => n.endsWith('conv1.weight') && w.shape[2] === 3) ?? [];
  if (!name || !kernel) throw new MienError('invalid_weights', 'no 3×1 kernel to mirror');
  const data = Float32Array.from(kernel.data, (_, i) => kernel.data[i - (i % 3) + (2 - (i % 3))] as number);
  return encodeSafetensors(copy.set(name, { shape: kernel.shape, data }));
}

const largest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);

const command = npmCommand('parity')
  .description(
    "Compares the same weights and crops through torch, the training form on tfjs's cpu backend and the wasm plan.",
  )
  .option('--model <folder>', 'the model', 'models/mien-v1')
  .option('--crops <n>', 'how many', positive, 64)
  .option('--data <folder>', 'where the crops are from; noise where it is absent', 'data/fer2013');

async function compare(values: ReturnType<typeof command.opts>): Promise<void> {
  const { architecture, weights: bytes } = await loadModel(values.model);
  const files = {
    architecture: join(values.model, 'architecture.json'),
    weights: join(values.model, 'weights.safetensors'),
  };
  const weights = decodeSafetensors(bytes);
  if (!existsSync(values.data)) console.log(`${values.data} is absent: comparing on noise`);
  const crops = sampleCrops(values.crops, values.data);

  const results = new Map<string, Float32Array>();
  if (findPython()) results.set('torch cpu', await scoreByTorch(files, crops));
  else console.log('torch is absent (npm run setup:torch installs it): comparing the rest');
  results.set('tfjs cpu, training form', await byTrainingForm(architecture, weights, crops));
  results.set('wasm, plan', await byPlan(architecture, bytes, crops));

  let failed = false;
  const entries = [...results];
  entries.forEach(([name, scores], i) => {
    for (const [other, theirs] of entries.slice(i + 1)) {
      const difference = largest(scores, theirs);
      failed ||= !(difference <= TOLERANCE);
      console.log(`${name} | ${other}: largest difference ${difference.toExponential(2)}`);
    }
  });
  const plan = results.get('wasm, plan') as Float32Array;
  const control = largest(plan, await byPlan(architecture, mirrored(weights), crops));
  console.log(`control, one mirrored kernel: ${control.toExponential(2)}`);
  if (failed) throw new MienError('internal', `parity fails: the bound is ${TOLERANCE}`);
  // Of a network that has hardly learned, whose scores are nearly the same whatever is shown.
  if (control <= TOLERANCE)
    throw new MienError(
      'internal',
      `parity is not shown: all are within ${TOLERANCE}, but so is the control, a mistake that had to be seen`,
    );
  console.log(`parity holds for ${crops.length / CROP_BYTES} crops: all within ${TOLERANCE}`);
}

main(command.action(compare));
