import { MienError } from '../../../../src/model/errors.js';
import type { Configuration } from '../../config.js';

type Stage = Configuration['stages'][number];

/** Where a stage begins: step, images seen and epoch. */
interface Start {
  step: number;
  seen: number;
  epoch: number;
  perEpoch: number;
  stage: Stage;
}

/** Learning rate and epochs as functions of the step alone, so that resuming needs no state: torch/schedule.py's. */
export class Schedule {
  readonly steps: number;
  /** Images of all steps. */
  readonly images: number;
  readonly #starts: Start[] = [];

  constructor(
    stages: Stage[],
    count: number,
    readonly optimizer: Configuration['optimizer'],
  ) {
    let [step, seen, epoch] = [0, 0, 0];
    for (const stage of stages) {
      const perEpoch = Math.floor(count / stage.batch);
      if (perEpoch === 0)
        throw new MienError(
          'invalid_data',
          `a batch of ${stage.batch} is more than the ${count} images: it needs more of them, or a smaller batch`,
        );
      this.#starts.push({ step, seen, epoch, perEpoch, stage });
      step += perEpoch * stage.epochs;
      seen += perEpoch * stage.epochs * stage.batch;
      epoch += stage.epochs;
    }
    this.steps = step;
    this.images = seen;
  }

  #start(step: number): Start {
    return this.#starts.findLast((start) => start.step <= step) as Start;
  }

  /** Stage, epoch counted over all stages and batch within the epoch. */
  at(step: number): { stage: Stage; epoch: number; batch: number } {
    const { step: from, epoch, perEpoch, stage } = this.#start(step);
    const [past, batch] = [Math.floor((step - from) / perEpoch), (step - from) % perEpoch];
    return { stage, epoch: epoch + past, batch };
  }

  /** Whether so many epochs or a stage have ended with a step. */
  ends(step: number, epochs: number): boolean {
    const { step: from, epoch, perEpoch, stage } = this.#start(step);
    const past = (step + 1 - from) / perEpoch;
    return past === stage.epochs || (epoch + past) % epochs === 0;
  }

  /** Images trained on before a step. */
  seen(step: number): number {
    const { step: from, seen, stage } = this.#start(step);
    return seen + (step - from) * stage.batch;
  }

  rate(step: number): number {
    const { learningRate, warmup, decay } = this.optimizer;
    const share = this.seen(step) / this.images;
    if (share < warmup) return (learningRate * (share + 1 / this.steps)) / (warmup + 1 / this.steps);
    if (decay === 'constant') return learningRate;
    const left = (1 - share) / (1 - warmup);
    return learningRate * (decay === 'linear' ? left : 0.5 * (1 - Math.cos(Math.PI * left)));
  }
}
