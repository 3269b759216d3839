import { type DataSet, rowsOf } from '../data/pack.js';
import { spread } from '../scoring.js';
import type { Fold } from './protocol.js';

/** Most folds of a trial, and most pictures of each of their splits. */
const [FOLDS, PICTURES] = [2, 256];

/** A protocol cut down so that it runs in seconds or minutes: to see that all works before hours are spent. */
export const cutToTrial = (folds: Fold[]): Fold[] =>
  folds.slice(0, FOLDS).map(({ name, set }) => ({ name, set: cut(set) }));

/** Pictures spread evenly over each split. */
function cut(set: DataSet): DataSet {
  const { images, labels, splits, copies, votes, subjects } = set;
  const rows = (['Training', 'PublicTest', 'PrivateTest'] as const)
    .flatMap((split) => spread(rowsOf(set, split), PICTURES))
    .sort((a, b) => a - b);
  const take = (values: Uint8Array | Uint16Array): number[] => {
    const width = values.length / labels.length;
    return rows.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)]);
  };
  return {
    images: Uint8Array.from(take(images)),
    labels: Uint8Array.from(take(labels)),
    splits: Uint8Array.from(take(splits)),
    copies: Uint8Array.from(take(copies)),
    votes: Uint8Array.from(take(votes)),
    ...(subjects && { subjects: Uint16Array.from(take(subjects)) }),
  };
}
