/**
 * Trains the network of a run folder with tfjs: architecture.json and config.json in; history.jsonl, engine.json,
 * checkpoint.safetensors, last.safetensors and best.safetensors (best on PublicTest, averaged weights) out, as the torch
 * engine does. A run that is killed and resumed ends with the weights of one that was not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { loadAssets } from '../../../../src/assets/node.js';
import { type Architecture, parseArchitecture } from '../../../../src/model/architecture.js';
import { type Backend, type BackendName, createBackend } from '../../../../src/model/backends/index.js';
import { networkCost } from '../../../../src/model/cost.js';
import { MienError } from '../../../../src/model/errors.js';
import { decodeSafetensors, encodeSafetensors, type Weights } from '../../../../src/model/weights.js';
import { writeAtomically } from '../../../lib/files.js';
import { Progress } from '../../../lib/progress.js';
import { type Recipe, recipeOf } from '../../config.js';
import { type DataSet, readDataSet, rowsOf } from '../../data/pack.js';
import { CHECKPOINTS, refuseLost, refuseOtherEngine } from '../../run.js';
import { digestsOf, refuseOtherData } from '../../run-data.js';
import { spread } from '../../scoring.js';
import { batchOf, classShares } from './batches.js';
import { measureWeights } from './measure.js';
import { countAnew } from './precise-norm.js';
import { Random } from './random.js';
import { Schedule } from './schedule.js';
import { Trainer } from './trainer.js';

export interface RunOptions {
  run: string;
  data: string;
  backend: BackendName;
  /** Stop after so many steps. */
  steps?: number | undefined;
  /** Longest time between two checkpoints. */
  checkpointSeconds: number;
}

/** A recipe may ask for more than this engine has; what it has not it says. */
function refuseUnsupported({ precision, compile, distillation }: Recipe, architecture: object): void {
  const wrong =
    'baseline' in architecture
      ? 'knows no baselines: the torch engine does'
      : precision !== 'float32'
        ? `trains in float32, not ${precision}: set "precision"`
        : compile
          ? 'compiles nothing: set "compile" to false'
          : distillation
            ? 'has no teachers: set "distillation" to null'
            : undefined;
  if (wrong) throw new MienError('invalid_data', `the tfjs engine ${wrong}`);
}

/**
 * Trains a run to its end, from its checkpoint if it has one.
 * @throws {MienError} `invalid_data` where run, data or recipe are not fit for it; `backend_unavailable`
 */
export async function trainRun(options: RunOptions): Promise<void> {
  const { run, data, backend } = options;
  refuseLost(run);
  refuseOtherEngine(run, 'tfjs');
  const recipe = recipeOf(join(run, 'config.json'));
  const description = JSON.parse(readFileSync(join(run, 'architecture.json'), 'utf8'));
  refuseUnsupported(recipe, description);
  const architecture = parseArchitecture(description);
  // Unlike inference (src/assets/native.ts): a step is one batch, in which all cores work on the same operation.
  process.env.TF_NUM_INTRAOP_THREADS ??= `${availableParallelism()}`;
  const created = await createBackend(backend, await loadAssets());
  const { index, ...set } = readDataSet(data);
  if (existsSync(join(run, CHECKPOINTS.tfjs))) refuseOtherData(run, data, index);
  const { votes, ...digests } = digestsOf(index);
  const learned = { dataName: index.name, ...digests, ...(recipe.labels.ferplus > 0 && { votes }) };
  const engine = { engine: 'tfjs', device: backend, ...learned, ...networkCost(architecture) };
  writeAtomically(join(run, 'engine.json'), `${JSON.stringify(engine, null, 1)}\n`);
  new Run(options, created, recipe, architecture, set).train();
}

/** A line of history.jsonl. */
interface Epoch {
  step: number;
}

class Run {
  readonly #folder: string;
  readonly #trainer: Trainer;
  readonly #schedule: Schedule;
  readonly #training: number[];
  readonly #public: number[];
  /** As many of the learned images as PublicTest has: they tell what has been learned by heart. */
  readonly #known: number[];
  /** Training images for precise batch norm. */
  readonly #counted: number[];
  #history: Epoch[] = [];
  #step = 0;
  #best = 0;
  /** Since the last measurement. */
  #lossSum = 0;
  #seconds = 0;
  #lapped = performance.now();

  constructor(
    readonly options: RunOptions,
    readonly backend: Backend,
    readonly recipe: Recipe,
    readonly architecture: Architecture,
    readonly set: DataSet,
  ) {
    this.#folder = options.run;
    const training = rowsOf(set, 'Training');
    this.#training = spread(training, recipe.images ?? undefined);
    this.#public = rowsOf(set, 'PublicTest');
    this.#known = spread(this.#training, this.#public.length);
    this.#counted = spread(training, recipe.preciseNorm);
    const init = recipe.init ? this.#read('init.safetensors') : undefined;
    this.#trainer = new Trainer(architecture, recipe, classShares(set, this.#training), init);
    this.#schedule = new Schedule(recipe.stages, this.#training.length, recipe.optimizer);
    if (existsSync(join(this.#folder, CHECKPOINTS.tfjs))) this.#resume();
  }

  train(): void {
    const steps = Math.min(this.#schedule.steps, this.options.steps ?? this.#schedule.steps);
    const progress = new Progress('training', steps);
    let [saved, epochNow] = [performance.now(), -1];
    let order: Uint32Array = new Uint32Array();
    while (this.#step < steps) {
      const { stage, epoch, batch } = this.#schedule.at(this.#step);
      if (epoch !== epochNow)
        order = new Random(this.recipe.seed, epoch, 2).permutation(this.#training.length);
      epochNow = epoch;
      const chosen = Array.from(order.subarray(batch * stage.batch, (batch + 1) * stage.batch));
      const loss = this.#takeStep(
        chosen.map((at) => this.#training[at] as number),
        stage.side,
      );
      // In float32, as a checkpoint keeps it.
      this.#lossSum = Math.fround(this.#lossSum + loss);
      this.#refuseDivergence();
      const ended = this.#schedule.ends(this.#step - 1, this.recipe.measureEvery);
      if (ended) this.#endEpoch(epoch, stage.side);
      if (ended || performance.now() - saved >= 1000 * this.options.checkpointSeconds) {
        this.#save();
        saved = performance.now();
      }
      progress.update(this.#step, `epoch ${epoch + 1}, side ${stage.side}, loss ${loss.toFixed(4)}`);
    }
    this.#save();
    // An epoch's end has written its own.
    if (this.#history.at(-1)?.step !== this.#step) this.#write('last', this.#weights(this.architecture.side));
    this.#trainer.dispose();
  }

  /** Before anything is written: weights that are no numbers any more would replace those that are. */
  #refuseDivergence(): void {
    if (Number.isFinite(this.#lossSum)) return;
    const why = `the loss is no finite number at step ${this.#step}: lower optimizer.learningRate`;
    throw new MienError('invalid_data', why);
  }

  #takeStep(rows: number[], side: number): number {
    const random = new Random(this.recipe.seed, this.#step);
    const batch = batchOf(this.set, rows, side, this.recipe, random);
    const draws = () => new Random(this.recipe.seed, this.#step, 3);
    const loss = this.#trainer.step(batch, this.#schedule.rate(this.#step), this.#step, draws);
    this.#step++;
    return loss;
  }

  #endEpoch(epoch: number, side: number): void {
    const steps = this.#step - (this.#history.at(-1)?.step ?? 0);
    const weights = this.#weights(side);
    const measured = (rows: number[]) =>
      measureWeights(this.backend, { ...this.architecture, side }, weights, this.set, rows);
    const [shown, known] = [measured(this.#public), measured(this.#known)];
    this.#lap();
    const row = {
      epoch: epoch + 1,
      step: this.#step,
      side,
      rate: this.#schedule.rate(this.#step - 1),
      loss: this.#lossSum / steps,
      trainAccuracy: known.accuracy,
      publicAccuracy: shown.accuracy,
      publicRecall: shown.recall,
      publicLoss: shown.loss,
      seconds: Number(this.#seconds.toFixed(3)),
    };
    [this.#lossSum, this.#seconds] = [0, 0];
    this.#history.push(row);
    this.#write('last', weights);
    // Only weights for the side that is served can be chosen.
    if (side === this.architecture.side && shown.accuracy >= this.#best) {
      this.#best = shown.accuracy;
      this.#write('best', weights);
    }
    // After the weights: whoever sees the last epoch there takes the run for finished.
    this.#writeHistory();
    console.log(`epoch ${epoch + 1}: loss ${row.loss.toFixed(4)}, PublicTest ${shown.accuracy.toFixed(4)}`);
  }

  #lap(): void {
    const now = performance.now();
    this.#seconds += (now - this.#lapped) / 1000;
    this.#lapped = now;
  }

  #writeHistory(): void {
    const lines = this.#history.map((row) => `${JSON.stringify(row)}\n`);
    writeAtomically(join(this.#folder, 'history.jsonl'), lines.join(''));
  }

  /** The averaged weights, their batch norms' statistics counted at a side. */
  #weights(side: number): Weights {
    return countAnew({ ...this.architecture, side }, this.#trainer.average(), this.set.images, this.#counted);
  }

  #write(name: 'last' | 'best', weights: Weights): void {
    writeAtomically(join(this.#folder, `${name}.safetensors`), encodeSafetensors(weights));
  }

  #read(name: string) {
    const file = join(this.#folder, name);
    try {
      return decodeSafetensors(readFileSync(file));
    } catch (cause) {
      throw new MienError('invalid_data', `${file}: ${(cause as Error).message}`, { cause });
    }
  }

  #save(): void {
    this.#lap();
    const progress = {
      shape: [4],
      data: Float32Array.of(this.#step, this.#best, this.#lossSum, this.#seconds),
    };
    const state = new Map([...this.#trainer.state(), ['progress', progress]]);
    writeAtomically(join(this.#folder, CHECKPOINTS.tfjs), encodeSafetensors(state));
  }

  #resume(): void {
    const state = this.#read(CHECKPOINTS.tfjs);
    const progress = state.get('progress')?.data ?? [];
    try {
      if (progress.length !== 4) throw new RangeError('the checkpoint has no progress');
      [this.#step, this.#best, this.#lossSum, this.#seconds] = [...progress] as [
        number,
        number,
        number,
        number,
      ];
      this.#trainer.restore(state);
    } catch (cause) {
      const why = (cause as Error).message;
      throw new MienError('invalid_data', `${this.#folder} cannot be resumed: ${why}`, { cause });
    }
    const history = join(this.#folder, 'history.jsonl');
    const rows = existsSync(history) ? readFileSync(history, 'utf8').trim().split('\n') : [];
    const epochs: Epoch[] = rows.filter((row) => row !== '').map((row) => JSON.parse(row));
    // Epochs that ended after the checkpoint are trained again.
    this.#history = epochs.filter(({ step }) => step <= this.#step);
  }
}
