import { Random } from '../engines/tfjs/random.js';
import { SPLITS } from './fer2013.js';

/** Shares of PublicTest and of PrivateTest; the rest is Training. */
const TEST_SHARE = 0.1;

/**
 * Splits what comes without official splits, the same way for the same seed: subjects where they are known, so that
 * nobody stands on two sides, else pictures, class by class.
 *
 * @returns uint8 [n], indices into SPLITS
 */
export function splitAtRandom(
  labels: readonly string[],
  subjects: readonly (string | undefined)[],
  seed: number,
): Uint8Array {
  const splits = new Uint8Array(labels.length);
  const known = subjects.every((subject) => subject !== undefined);
  const random = new Random(seed);
  const assign = (groups: number[][]) => {
    const share = Math.max(1, Math.round(groups.length * TEST_SHARE));
    random.permutation(groups.length).forEach((index, place) => {
      const split = place < share ? 'PublicTest' : place < 2 * share ? 'PrivateTest' : 'Training';
      for (const row of groups[index] as number[]) splits[row] = SPLITS.indexOf(split);
    });
  };
  if (known) assign(grouped(subjects as string[]));
  else for (const rows of grouped(labels)) assign(rows.map((row) => [row]));
  return splits;
}

/** Rows that share a key, in the order of the keys' first. */
function grouped(keys: readonly string[]): number[][] {
  const groups = new Map<string, number[]>();
  keys.forEach((key, row) => {
    groups.set(key, [...(groups.get(key) ?? []), row]);
  });
  return [...groups.values()];
}
