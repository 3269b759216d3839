import { MienError } from '../../../src/model/errors.js';
import type { DataSet } from '../data/pack.js';

/**
 * Who is in each picture, numbered from 0.
 * @throws {MienError} `invalid_data` where that is not known, or there are fewer people than folds
 */
export function subjectsOf(set: DataSet, folds: number): Uint16Array {
  if (!set.subjects) throw new MienError('invalid_data', 'the data set does not say who is in its pictures');
  const people = new Set(set.subjects).size;
  if (people < folds)
    throw new MienError('invalid_data', `${folds} folds of people need as many people; there are ${people}`);
  return set.subjects;
}
