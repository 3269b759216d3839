import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MienError } from '../../src/model/errors.js';
import { readJson } from '../lib/read-json.js';
import { type Index, rowsDigest } from './data/pack.js';
import { type LearnedData, learnedData } from './training-record.js';

/** A data set's hashes, by their names in engine.json. torch/data.py has the same. */
export const digestsOf = (index: Pick<Index, 'files' | 'images'>) => ({
  data: index.images,
  rows: rowsDigest(index),
  votes: index.files['votes.u8'],
});

/**
 * What the folder of a run or of a published model says of the data set that it has learned from: nothing where it says
 * nothing.
 * @throws {MienError} `invalid_data`, naming the file
 */
export function learnedFrom(folder: string): LearnedData {
  const [run, model] = [join(folder, 'engine.json'), join(folder, 'metrics.json')];
  if (existsSync(run)) return readJson(learnedData, run);
  if (!existsSync(model)) return {};
  return readJson(z.looseObject({ training: learnedData.nullish() }), model).training ?? {};
}

/** Whether a data set is not the one that was learned from, as far as that is known. */
export const isOther = (learned: LearnedData, index: Pick<Index, 'files' | 'images'>): boolean =>
  Object.entries(digestsOf(index)).some(([name, own]) => (learned[name] ?? own) !== own);

/**
 * Refuses a data set that is not the one a run or a published model has learned from: its splits may be others, so that
 * what taught would measure.
 * @param data where the data set lies, for the message
 * @throws {MienError} `invalid_data`
 */
export function refuseOtherData(folder: string, data: string, index: Index): void {
  if (isOther(learnedFrom(folder), index))
    throw new MienError(
      'invalid_data',
      `${folder} has learned from another data set than ${data} now holds: --data names that one, or train anew`,
    );
}
