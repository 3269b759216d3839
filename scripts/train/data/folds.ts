import { LABELS } from '../../../src/model/labels.js';
import { Random } from '../engines/tfjs/random.js';
import { SPLITS, type Split } from './fer2013.js';
import { type DataSet, findCopies } from './pack.js';

/**
 * Deals groups of rows (the pictures of a person, or single pictures) into folds that are alike: the largest group
 * first, each to the fold where it leaves every class's shares most even, as scikit-learn's StratifiedGroupKFold does.
 * Among equals, the seed decides.
 *
 * @param labels uint8 [n], indices into LABELS
 * @param groups n keys; rows that share one stay together
 * @returns uint8 [n], the fold of each row, from 0
 */
export function dealFolds(
  labels: Uint8Array,
  groups: ArrayLike<number>,
  folds: number,
  seed: number,
): Uint8Array {
  const members = new Map<number, number[]>();
  for (let row = 0; row < labels.length; row++) {
    const key = groups[row] as number;
    members.set(key, [...(members.get(key) ?? []), row]);
  }
  const counted = Array.from(members.values(), (rows) => ({ rows, counts: classCounts(labels, rows) }));
  const order = [...new Random(seed).permutation(counted.length)].map((at) => counted[at] as Group);
  // Sorting is stable: groups of one variance stay in the seed's order.
  order.sort((a, b) => variance(b.counts) - variance(a.counts));
  const totals = classCounts(labels, [...labels.keys()]);
  const dealt = Array.from({ length: folds }, () => LABELS.map(() => 0));
  const out = new Uint8Array(labels.length);
  for (const { rows, counts } of order) {
    const fold = mostEven(dealt, counts, totals);
    dealt[fold] = sum(dealt[fold] as number[], counts);
    for (const row of rows) out[row] = fold;
  }
  return out;
}

interface Group {
  rows: number[];
  counts: number[];
}

function classCounts(labels: Uint8Array, rows: number[]): number[] {
  const counts = LABELS.map(() => 0);
  for (const row of rows) counts[labels[row] as number] = (counts[labels[row] as number] as number) + 1;
  return counts;
}

const sum = (a: number[], b: number[]) => a.map((value, at) => value + (b[at] as number));
const total = (counts: number[]) => counts.reduce((all, count) => all + count, 0);

function variance(values: number[]): number {
  const mean = total(values) / values.length;
  return values.reduce((all, value) => all + (value - mean) ** 2, 0) / values.length;
}

/** The fold that should get the counts: where the classes' shares then differ least between folds; then the smallest. */
function mostEven(dealt: number[][], counts: number[], totals: number[]): number {
  const unevenness = (chosen: number) => {
    const shares = dealt.map((fold, at) => (at === chosen ? sum(fold, counts) : fold));
    return total(
      totals.map((all, c) =>
        all > 0 ? Math.sqrt(variance(shares.map((fold) => (fold[c] as number) / all))) : 0,
      ),
    );
  };
  const ranked = dealt.map((fold, at) => ({ at, unevenness: unevenness(at), size: total(fold) }));
  ranked.sort((a, b) => a.unevenness - b.unevenness || a.size - b.size || a.at - b.at);
  return (ranked[0] as (typeof ranked)[0]).at;
}

/**
 * The data set of each fold's run: that fold is PrivateTest, which is only measured; the next one is PublicTest, which
 * chooses the epoch and fits the temperature; the rest is Training. So no weights are chosen on what measures them.
 */
export function foldSets(set: DataSet, folds: Uint8Array): DataSet[] {
  const count = Math.max(...folds) + 1;
  const splitOf = (fold: number, tested: number): Split => {
    if (fold === tested) return 'PrivateTest';
    return fold === (tested + 1) % count ? 'PublicTest' : 'Training';
  };
  return Array.from({ length: count }, (_, tested) => {
    const splits = folds.map((fold) => SPLITS.indexOf(splitOf(fold, tested)));
    return { ...set, splits, copies: findCopies(set.images, splits) };
  });
}
