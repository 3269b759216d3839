import { LABELS } from '../../../../src/model/labels.js';
import type { Recipe } from '../../config.js';
import { VOTES } from '../../data/fer2013.js';
import { cropsOf, type DataSet } from '../../data/pack.js';
import { augment, drawMixing, mix } from './augment.js';
import type { Random } from './random.js';
import type { Batch } from './trainer.js';

/** Share of each class among some rows, at least one of them each, so that its logarithm is finite. */
export function classShares({ labels }: DataSet, rows: readonly number[]): number[] {
  const counts = LABELS.map(() => 0);
  for (const row of rows) counts[labels[row] as number] = (counts[labels[row] as number] as number) + 1;
  return counts.map((count) => Math.max(1, count) / rows.length);
}

/** The rows as a batch to learn from: augmented, with smoothed targets and vote shares, mixed. */
export function batchOf(
  { images, labels, votes }: DataSet,
  rows: readonly number[],
  side: number,
  { augmentation, labels: { smoothing } }: Recipe,
  random: Random,
): Batch {
  const targets = new Float32Array(rows.length * LABELS.length).fill(smoothing / LABELS.length);
  const shares = new Float32Array(rows.length * VOTES.length);
  rows.forEach((row, at) => {
    const hit = at * LABELS.length + (labels[row] as number);
    targets[hit] = (targets[hit] as number) + 1 - smoothing;
    const own = votes.subarray(row * VOTES.length, (row + 1) * VOTES.length);
    const sum = own.reduce((total, count) => total + count, 0);
    own.forEach((count, vote) => {
      shares[at * VOTES.length + vote] = count / Math.max(1, sum);
    });
  });
  const pictures = augment(cropsOf(images, rows), side, augmentation, random);
  const mixing = drawMixing(side, augmentation, random);
  if (mixing) mix(pictures, [targets, shares], mixing, rows.length);
  return { pictures, side, targets, shares };
}
