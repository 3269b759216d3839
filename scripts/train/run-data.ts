import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MienError } from '../../src/model/errors.js';
import { readJson } from '../lib/read-json.js';
import { type Index, rowsDigest } from './data/pack.js';
import { engineRecord } from './training-record.js';

/**
 * Refuses a data set that is not the one a run has learned from: its splits may be others, so that what taught would
 * measure. Of older runs only the pictures are known.
 * @param folder where the data set lies, for the message
 * @throws {MienError} `invalid_data`
 */
export function refuseOtherData(run: string, folder: string, index: Index): void {
  const file = join(run, 'engine.json');
  if (!existsSync(file)) return;
  const { rows, data } = readJson(engineRecord, file);
  const [theirs, own] = rows === undefined ? [data, index.images] : [rows, rowsDigest(index)];
  if (theirs !== undefined && theirs !== own)
    throw new MienError(
      'invalid_data',
      `${run} has learned from another data set than ${folder} now holds: --data names that one, or train anew`,
    );
}
