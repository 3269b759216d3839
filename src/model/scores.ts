import { LABELS } from './labels.js';

/** However much is taken from a score, so much of it stays: no label is impossible, and their order remains. */
export const LEFT = 0.01;

/**
 * Probabilities of logits, both [n, 7]: softmax, less what smoothed labels have taught.
 *
 * Labels smoothed by s (Szegedy et al. 2016) teach q = (1 − s) p + s/7 in place of p, so that sure answers sound unsure.
 * This takes s/7 from each q and brings the sum to 1 again, in double precision.
 *
 * @param logits [n, 7]
 * @param smoothing s, 0 to 0.9; 0 is softmax alone
 * @returns float32 [n, 7], each row's sum 1
 */
export function scoresOf(logits: Float32Array | Float64Array, smoothing = 0): Float32Array {
  const labels = LABELS.length;
  const scores = Float64Array.from(logits);
  for (let at = 0; at < scores.length; at += labels) {
    const row = scores.subarray(at, at + labels);
    softmax(row);
    for (let c = 0; c < labels; c++) {
      const smooth = row[c] as number;
      row[c] = Math.max(smooth - smoothing / labels, LEFT * smooth);
    }
    divideBySum(row);
  }
  return Float32Array.from(scores);
}

/** In place: a row's exponentials over their sum. */
function softmax(row: Float64Array): void {
  let highest = -Infinity;
  for (const logit of row) highest = Math.max(highest, logit);
  for (let c = 0; c < row.length; c++) row[c] = Math.exp((row[c] as number) - highest);
  divideBySum(row);
}

function divideBySum(row: Float64Array): void {
  let sum = 0;
  for (const value of row) sum += value;
  for (let c = 0; c < row.length; c++) row[c] = (row[c] as number) / sum;
}
