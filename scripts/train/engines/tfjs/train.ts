/**
 * Trains the network of a run folder with tfjs: architecture.json and config.json in; history.jsonl,
 * checkpoint.safetensors, last.safetensors and best.safetensors (best on PublicTest, averaged weights) out, as the torch
 * engine does. A run that is killed and resumed ends with the weights of one that was not.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { loadAssets } from '../../../../src/assets/node.js';
import { type Architecture, parseArchitecture } from '../../../../src/model/architecture.js';
import { type BackendName, createBackend } from '../../../../src/model/backends/index.js';
import { enlarge } from '../../../../src/model/enlarge.js';
import { MienError } from '../../../../src/model/errors.js';
import { LABELS } from '../../../../src/model/labels.js';
import { Executor } from '../../../../src/model/plan/executor.js';
import { plan } from '../../../../src/model/plan/planner.js';
import { decodeSafetensors, encodeSafetensors } from '../../../../src/model/weights.js';
import { writeAtomically } from '../../../lib/files.js';
import { Progress } from '../../../lib/progress.js';
import { type Configuration, recipeOf } from '../../config.js';
import { VOTES } from '../../data/fer2013.js';
import { CROP_BYTES, type DataSet, readDataSet, rowsOf } from '../../data/pack.js';
import { augment, mixup } from './augment.js';
import { Random } from './random.js';
import { Schedule } from './schedule.js';
import { type Batch, Trainer } from './trainer.js';

type Recipe = Omit<Configuration, 'architecture'>;

export const CHECKPOINT = 'checkpoint.safetensors';
const CHECKPOINT_MS = 60_000;
/** Crops of one pass when PublicTest is scored. */
const SCORED = 32;

export interface RunOptions {
  run: string;
  data: string;
  backend: BackendName;
}

/** A recipe may ask for more than this engine has; what it has not it says. */
function refuseUnsupported({ precision, compile, distillation }: Recipe): void {
  if (precision !== 'float32')
    throw new MienError(
      'invalid_data',
      `the tfjs engine trains in float32, not ${precision}: set "precision"`,
    );
  if (compile)
    throw new MienError('invalid_data', 'the tfjs engine compiles nothing: set "compile" to false');
  if (distillation)
    throw new MienError('invalid_data', 'the tfjs engine has no teachers: set "distillation" to null');
}

/**
 * Trains a run to its end, from its checkpoint if it has one.
 * @throws {MienError} `invalid_data` where run, data or recipe are not fit for it; `backend_unavailable`
 */
export async function trainRun({ run, data, backend }: RunOptions): Promise<void> {
  const recipe = recipeOf(join(run, 'config.json'));
  refuseUnsupported(recipe);
  const architecture = parseArchitecture(JSON.parse(readFileSync(join(run, 'architecture.json'), 'utf8')));
  // Unlike inference (src/assets/native.ts): a step is one batch, in which all cores work on the same operation.
  process.env.TF_NUM_INTRAOP_THREADS ??= `${availableParallelism()}`;
  await createBackend(backend, await loadAssets());
  const set = readDataSet(data);
  new Run(run, recipe, architecture, set).train();
}

class Run {
  readonly #trainer: Trainer;
  readonly #schedule: Schedule;
  readonly #training: number[];
  readonly #public: number[];
  #step = 0;
  #best = 0;

  constructor(
    readonly folder: string,
    readonly recipe: Recipe,
    readonly architecture: Architecture,
    readonly set: DataSet,
  ) {
    const init = join(folder, 'init.safetensors');
    this.#trainer = new Trainer(
      architecture,
      recipe,
      recipe.init ? decodeSafetensors(readFileSync(init)) : undefined,
    );
    this.#training = rowsOf(set, 'Training');
    this.#public = rowsOf(set, 'PublicTest');
    this.#schedule = new Schedule(recipe.stages, this.#training.length, recipe.optimizer);
    if (existsSync(join(folder, CHECKPOINT))) this.#resume();
  }

  train(): void {
    const { steps } = this.#schedule;
    const progress = new Progress('training', steps);
    let [saved, epochNow] = [performance.now(), -1];
    let order: Uint32Array = new Uint32Array();
    let losses: number[] = [];
    while (this.#step < steps) {
      const { stage, epoch, batch, last } = this.#schedule.at(this.#step);
      if (epoch !== epochNow) {
        order = new Random(this.recipe.seed, epoch, 2).permutation(this.#training.length);
        [epochNow, losses] = [epoch, []];
      }
      const chosen = Array.from(order.subarray(batch * stage.batch, (batch + 1) * stage.batch));
      losses.push(
        this.#takeStep(
          chosen.map((at) => this.#training[at] as number),
          stage.side,
        ),
      );
      if (last)
        this.#endEpoch(epoch, stage.side, losses.reduce((sum, loss) => sum + loss, 0) / losses.length);
      if (last || performance.now() - saved > CHECKPOINT_MS) {
        this.#save();
        saved = performance.now();
      }
      progress.update(
        this.#step,
        `epoch ${epoch + 1}, side ${stage.side}, loss ${losses.at(-1)?.toFixed(4)}`,
      );
    }
    this.#save();
    this.#write('last');
    this.#trainer.dispose();
  }

  #takeStep(rows: number[], side: number): number {
    const random = new Random(this.recipe.seed, this.#step);
    const batch = this.#batch(rows, side, random);
    const loss = this.#trainer.step(batch, this.#schedule.rate(this.#step), this.#step, random);
    this.#step++;
    return loss;
  }

  #batch(rows: number[], side: number, random: Random): Batch {
    const { images, labels, votes } = this.set;
    const { augmentation, labels: options } = this.recipe;
    const targets = new Float32Array(rows.length * LABELS.length).fill(options.smoothing / LABELS.length);
    const shares = new Float32Array(rows.length * VOTES.length);
    rows.forEach((row, at) => {
      const hit = at * LABELS.length + (labels[row] as number);
      targets[hit] = (targets[hit] as number) + 1 - options.smoothing;
      const own = votes.subarray(row * VOTES.length, (row + 1) * VOTES.length);
      const sum = Math.max(
        1,
        own.reduce((total, count) => total + count, 0),
      );
      shares.set(
        Array.from(own, (count) => count / sum),
        at * VOTES.length,
      );
    });
    const pictures = augment(cropsOf(images, rows), side, augmentation, random);
    mixup([pictures, targets, shares], rows.length, augmentation.mixup, random);
    return { pictures, side, targets, shares };
  }

  /** Accuracy and loss of the averaged weights on PublicTest, at the side being trained. */
  #measure(side: number): { accuracy: number; loss: number } {
    const executor = new Executor(plan({ ...this.architecture, side }, this.#trainer.average()));
    let [right, loss] = [0, 0];
    for (let from = 0; from < this.#public.length; from += SCORED) {
      const rows = this.#public.slice(from, from + SCORED);
      const logits = executor.run(enlarge(cropsOf(this.set.images, rows), side), rows.length);
      rows.forEach((row, at) => {
        const own = logits.subarray(at * LABELS.length, (at + 1) * LABELS.length);
        const highest = Math.max(...own);
        const label = this.set.labels[row] as number;
        if (own.indexOf(highest) === label) right++;
        const sum = own.reduce((total, logit) => total + Math.exp(logit - highest), 0);
        loss += Math.log(sum) + highest - (own[label] as number);
      });
    }
    executor.dispose();
    // Rounded as a checkpoint keeps it, so that a resumed run compares what a whole one does.
    const { length } = this.#public;
    return { accuracy: Math.fround(right / length), loss: loss / length };
  }

  #endEpoch(epoch: number, side: number, loss: number): void {
    const { accuracy, loss: publicLoss } = this.#measure(side);
    const rate = this.#schedule.rate(this.#step - 1);
    const row = {
      epoch: epoch + 1,
      step: this.#step,
      side,
      rate,
      loss,
      publicAccuracy: accuracy,
      publicLoss,
    };
    appendFileSync(join(this.folder, 'history.jsonl'), `${JSON.stringify(row)}\n`);
    this.#write('last');
    // Only weights for the side that is served can be chosen.
    if (side === this.architecture.side && accuracy >= this.#best) {
      this.#best = accuracy;
      this.#write('best');
    }
    console.log(`epoch ${epoch + 1}: loss ${loss.toFixed(4)}, PublicTest ${accuracy.toFixed(4)}`);
  }

  #write(name: 'last' | 'best'): void {
    writeAtomically(join(this.folder, `${name}.safetensors`), encodeSafetensors(this.#trainer.average()));
  }

  #save(): void {
    const progress = { shape: [2], data: Float32Array.of(this.#step, this.#best) };
    const state = new Map([...this.#trainer.state(), ['progress', progress]]);
    writeAtomically(join(this.folder, CHECKPOINT), encodeSafetensors(state));
  }

  #resume(): void {
    const state = decodeSafetensors(readFileSync(join(this.folder, CHECKPOINT)));
    [this.#step, this.#best] = state.get('progress')?.data as unknown as [number, number];
    try {
      this.#trainer.restore(state);
    } catch (cause) {
      const why = (cause as Error).message;
      throw new MienError('invalid_data', `${this.folder} cannot be resumed: ${why}`, { cause });
    }
    const history = join(this.folder, 'history.jsonl');
    const rows = existsSync(history) ? readFileSync(history, 'utf8').trim().split('\n') : [];
    // Epochs that ended after the checkpoint are run again.
    const kept = rows.filter((row) => row && JSON.parse(row).step <= this.#step);
    writeAtomically(history, kept.map((row) => `${row}\n`).join(''));
  }
}

/** uint8 [rows, 48, 48]. */
function cropsOf(images: Uint8Array, rows: number[]): Uint8Array {
  const crops = new Uint8Array(rows.length * CROP_BYTES);
  rows.forEach((row, at) => {
    crops.set(images.subarray(row * CROP_BYTES, (row + 1) * CROP_BYTES), at * CROP_BYTES);
  });
  return crops;
}
