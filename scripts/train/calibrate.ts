import type { Architecture, Row } from '../../src/model/architecture.js';
import { LABELS } from '../../src/model/labels.js';
import type { Weights } from '../../src/model/weights.js';

const CLASSES = LABELS.length;

/** Scores as they would be with all logits divided by the temperature: float32 [n, 7]. */
export function temper(scores: Float32Array, temperature: number): Float32Array {
  const out = new Float32Array(scores.length);
  for (let at = 0; at < scores.length; at += CLASSES) {
    const powers = Array.from(
      scores.subarray(at, at + CLASSES),
      (p) => Math.max(p, 1e-30) ** (1 / temperature),
    );
    const sum = powers.reduce((a, b) => a + b, 0);
    for (let c = 0; c < CLASSES; c++) out[at + c] = (powers[c] as number) / sum;
  }
  return out;
}

/** Mean negative log-likelihood of the labels. */
function loss(scores: Float32Array, labels: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < labels.length; i++)
    sum -= Math.log(Math.max(scores[i * CLASSES + (labels[i] as number)] as number, 1e-30));
  return sum / labels.length;
}

/** Fewer faces cannot tell how sure scores should be: three right answers alone would make every score 1. */
export const LEAST_TO_CALIBRATE = 100;

/**
 * The temperature that makes the scores' likelihood greatest (Guo et al. 2017, "On calibration of modern neural
 * networks"): one number, so the order of the labels cannot change. Searched between 1/8 and 8 by golden section, for
 * the loss has one minimum in the temperature; 1, which changes nothing, where there are fewer than a hundred faces.
 */
export function fitTemperature(scores: Float32Array, labels: ArrayLike<number>): number {
  if (labels.length < LEAST_TO_CALIBRATE) return 1;
  const golden = (Math.sqrt(5) - 1) / 2;
  const at = (log: number) => loss(temper(scores, Math.exp(log)), labels);
  let [low, high] = [-Math.log(8), Math.log(8)];
  while (high - low > 1e-3) {
    const [left, right] = [high - golden * (high - low), low + golden * (high - low)];
    if (at(left) < at(right)) high = right;
    else low = left;
  }
  return Math.exp((low + high) / 2);
}

/**
 * The weights with every logit divided by the temperature. The logits are a sum of two linear maps, the head's and the
 * average of module 23's, so dividing these two stores the calibration in the weights and no runtime has to know of it.
 */
export function foldTemperature(weights: Weights, arch: Architecture, temperature: number): Weights {
  const last = (arch.rows[arch.rows.length - 1] as Row).name;
  return new Map(
    [...weights].map(([name, { shape, data }]) => {
      const isLogit = name.startsWith('head.') || name.startsWith(`${last}.`);
      return [name, { shape, data: isLogit ? data.map((value) => value / temperature) : data }];
    }),
  );
}
