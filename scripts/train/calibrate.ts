import type { Architecture, Row } from '../../src/model/architecture.js';
import { LABELS } from '../../src/model/labels.js';
import { scoresOf } from '../../src/model/scores.js';
import type { Weights } from '../../src/model/weights.js';
import { type DataSet, rowsOf } from './data/pack.js';

const CLASSES = LABELS.length;

/**
 * What brings scores to what they say: a logit becomes (logit + prior · log(its label's share of Training)) / temperature,
 * and of these the scores are made as `scoresOf` does with `smoothing`.
 *
 * A temperature alone cannot undo logit adjustment (labels.adjustment in config.ts), which learns as if rare labels were
 * frequent; `prior` gives back as much of their shares as the scores lack. Nor can both undo smoothed labels, by which
 * training has kept sure answers from saying so (docs/experiments.md has what each brings).
 */
export interface Calibration {
  temperature: number;
  prior: number;
  smoothing: number;
}

/** Changes nothing. */
export const AS_LEARNED: Calibration = { temperature: 1, prior: 0, smoothing: 0 };

/** Logarithms of the labels' shares of Training; a label without pictures counts as one, as in training. */
export function logShares({ labels, splits }: Pick<DataSet, 'labels' | 'splits'>): number[] {
  const rows = rowsOf({ splits }, 'Training');
  const counts = new Array<number>(CLASSES).fill(0);
  for (const row of rows) counts[labels[row] as number] = (counts[labels[row] as number] as number) + 1;
  return counts.map((count) => Math.log(Math.max(count, 1) / Math.max(rows.length, 1)));
}

/** Logits of scores, but for what all of a face's may have in common. */
const logitsOf = (scores: Float32Array) =>
  Float64Array.from(scores, (score) => Math.log(Math.max(score, 1e-30)));

/** Scores as they are calibrated: float32 [n, 7]. */
export const calibrate = (scores: Float32Array, calibration: Calibration, shares: readonly number[]) =>
  calibrateLogits(logitsOf(scores), calibration, shares);

function calibrateLogits(
  logits: Float64Array,
  { temperature, prior, smoothing }: Calibration,
  shares: readonly number[],
): Float32Array {
  const raised = logits.map((logit, at) => (logit + prior * (shares[at % CLASSES] as number)) / temperature);
  return scoresOf(raised, smoothing);
}

/** Mean squared distance of the scores from the labels (Brier 1950). */
function distance(scores: Float32Array, labels: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const right = labels[Math.floor(i / CLASSES)] === i % CLASSES;
    sum += ((scores[i] as number) - (right ? 1 : 0)) ** 2;
  }
  return sum / labels.length;
}

/** Where a function with one minimum has it, to within a tolerance, by golden section: each step asks it once. */
function minimum(of: (x: number) => number, [low, high]: [number, number], tolerance: number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  const at = (share: number) => {
    const x = low + share * (high - low);
    return { x, y: of(x) };
  };
  let [left, right] = [at(1 - golden), at(golden)];
  while (high - low > tolerance) {
    if (left.y < right.y) {
      high = right.x;
      right = left;
      left = at(1 - golden);
    } else {
      low = left.x;
      left = right;
      right = at(golden);
    }
  }
  return (low + high) / 2;
}

/** Fewer faces cannot tell how sure scores should be: three right answers alone would make every score 1. */
export const LEAST_TO_CALIBRATE = 100;

/**
 * The calibration that brings the scores nearest to the labels, by their squared distance: being bounded, it does not
 * let the few faces decide that are labelled wrong and scored surely. The temperature is Guo et al.'s (2017, "On
 * calibration of modern neural networks"), between 1/8 and 8; the prior is between -1 and 2, the smoothing between 0
 * and 0.6. The smoothing is fitted after the prior, with the temperature: these two leave every face its best label. Where
 * there are fewer than a hundred faces nothing is changed.
 */
export function fitCalibration(
  scores: Float32Array,
  labels: ArrayLike<number>,
  shares: readonly number[],
): Calibration {
  if (labels.length < LEAST_TO_CALIBRATE) return AS_LEARNED;
  const logits = logitsOf(scores);
  const of = (calibration: Calibration) => distance(calibrateLogits(logits, calibration, shares), labels);
  const widest: [number, number] = [-Math.log(8), Math.log(8)];
  const withTemperature = (rest: Omit<Calibration, 'temperature'>, tolerance = 1e-2): Calibration => {
    const log = minimum((log) => of({ ...rest, temperature: Math.exp(log) }), widest, tolerance);
    return { ...rest, temperature: Math.exp(log) };
  };
  const prior = minimum((prior) => of(withTemperature({ prior, smoothing: 0 })), [-1, 2], 1e-2);
  const found = minimum((smoothing) => of(withTemperature({ prior, smoothing })), [0, 0.6], 1e-2);
  const smoothing = Number(found.toFixed(3)); // as architecture.json gives it
  const [without, best] = [0, smoothing].map((each) => withTemperature({ prior, smoothing: each }, 1e-3)) as [
    Calibration,
    Calibration,
  ];
  return of(best) < of(without) ? best : without;
}

/**
 * The weights with every logit calibrated. The logits are a sum of two linear maps, the head's and the average of module
 * 23's, so one bias takes the prior and both are divided by the temperature: no runtime has to know of these. The smoothing
 * is the architecture's.
 */
export function foldCalibration(
  weights: Weights,
  arch: Architecture,
  { temperature, prior }: Calibration,
  shares: readonly number[],
): Weights {
  const last = (arch.rows[arch.rows.length - 1] as Row).name;
  const takes = arch.head.features ? 'head.bias' : `${last}.conv.bias`;
  return new Map(
    [...weights].map(([name, { shape, data }]) => {
      if (!name.startsWith('head.') && !name.startsWith(`${last}.`)) return [name, { shape, data }];
      const raised = (value: number, at: number) =>
        name === takes ? value + prior * (shares[at] as number) : value;
      return [name, { shape, data: data.map((value, at) => raised(value, at) / temperature) }];
    }),
  );
}
