import { describe, expect, it } from 'vitest';
import { dealFolds, foldSets } from '../../scripts/train/data/folds.js';
import { findCopies } from '../../scripts/train/data/pack.js';
import { Random } from '../../scripts/train/engines/tfjs/random.js';
import { people } from '../support/people.js';

/** Standard deviation over folds of each class's share in a fold, summed over classes. */
function unevenness(labels: Uint8Array, folds: Uint8Array, count: number): number {
  return [0, 1, 2, 3, 4, 5, 6].reduce((sum, label) => {
    const all = labels.filter((own) => own === label).length;
    if (all === 0) return sum;
    const shares = Array.from(
      { length: count },
      (_, fold) => labels.filter((own, row) => own === label && folds[row] === fold).length / all,
    );
    const mean = 1 / count;
    return sum + Math.sqrt(shares.reduce((total, share) => total + (share - mean) ** 2, 0) / count);
  }, 0);
}

/** As many people, pictures and classes as CK+ has, about. */
function likeCkPlus() {
  const random = new Random(3);
  const subjects: number[] = [];
  const labels: number[] = [];
  for (let person = 0; person < 118; person++)
    for (let sequence = 0; sequence < 1 + Math.floor(random.uniform(0, 5)); sequence++) {
      const label = Math.floor(6 * random.uniform() ** 1.5);
      for (const shown of [6, label, label, label]) {
        subjects.push(person);
        labels.push(shown);
      }
    }
  return { subjects, labels: Uint8Array.from(labels) };
}

describe('dealFolds', () => {
  const { subjects, labels } = likeCkPlus();
  const folds = dealFolds(labels, subjects, 10, 1);

  it('keeps everybody in one fold, and gives each fold about a tenth', () => {
    for (const person of new Set(subjects))
      expect(new Set(folds.filter((_, row) => subjects[row] === person)).size).toBe(1);
    const sizes = Array.from({ length: 10 }, (_, fold) => folds.filter((own) => own === fold).length);
    // A tenth, give or take half the pictures of the person who has most.
    for (const size of sizes) expect(Math.abs(size - labels.length / 10)).toBeLessThanOrEqual(10);
  });

  it('deals the classes more evenly than chance, seed by seed', () => {
    for (const seed of [1, 2, 3]) {
      const random = new Random(seed, 9);
      const drawn = Array.from({ length: 118 }, () => Math.floor(random.uniform(0, 10)));
      const byChance = Uint8Array.from(subjects, (person) => drawn[person] as number);
      const dealt = dealFolds(labels, subjects, 10, seed);
      expect(unevenness(labels, dealt, 10)).toBeLessThan(unevenness(labels, byChance, 10) / 3);
    }
  });

  it('deals single pictures as evenly as can be: no class differs by more than one', () => {
    const own = Uint8Array.from({ length: 213 }, (_, row) => row % 7);
    const single = dealFolds(own, [...own.keys()], 10, 1);
    for (let label = 0; label < 7; label++) {
      const counts = Array.from(
        { length: 10 },
        (_, fold) => own.filter((value, row) => value === label && single[row] === fold).length,
      );
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  });

  it('is the same for the same seed, another for another', () => {
    expect(dealFolds(labels, subjects, 10, 1)).toEqual(folds);
    expect(dealFolds(labels, subjects, 10, 2)).not.toEqual(folds);
  });
});

describe('foldSets', () => {
  const set = people(5, 2);
  const sets = foldSets(set, Uint8Array.from(set.subjects));

  it('measures every picture once, and chooses by another fold than it measures', () => {
    expect(sets).toHaveLength(5);
    const measured = set.labels.map((_, row) => sets.filter(({ splits }) => splits[row] === 2).length);
    const chosen = set.labels.map((_, row) => sets.filter(({ splits }) => splits[row] === 1).length);
    expect([...measured, ...chosen]).toEqual(new Array(2 * set.labels.length).fill(1));
    for (const { splits } of sets)
      expect([0, 1, 2].map((code) => splits.filter((split) => split === code).length)).toEqual([42, 14, 14]);
  });

  it('marks what copies a Training picture of the fold', () => {
    for (const fold of sets) expect(fold.copies).toEqual(findCopies(fold.images, fold.splits));
  });
});
