/** Packs a data set for training: npm run prepare-data -- fer2013 --csv FILE [--ferplus FILE] --out FOLDER */
import { parseArgs } from 'node:util';
import { MienError } from '../../src/model/errors.js';
import { main } from '../lib/main.js';
import { Progress } from '../lib/progress.js';
import { readFer2013, readFerPlus, type Sample, SPLITS, VOTES } from './data/fer2013.js';
import { CROP_BYTES, findCopies, writeDataSet } from './data/pack.js';

/** FER2013's official number of rows; only the progress display relies on it. */
const ROWS = 35_887;

/** Joins pictures chunk by chunk, so that the peak stays near the data's own size. */
async function collect(csv: string) {
  const samples: Sample[] = [];
  const progress = new Progress('reading', ROWS);
  for await (const sample of readFer2013(csv)) {
    samples.push(sample);
    progress.update(samples.length);
  }
  const images = new Uint8Array(samples.length * CROP_BYTES);
  samples.forEach((sample, i) => {
    images.set(sample.pixels, i * CROP_BYTES);
  });
  const labels = Uint8Array.from(samples, (sample) => sample.label);
  const splits = Uint8Array.from(samples, (sample) => SPLITS.indexOf(sample.split));
  return { images, labels, splits };
}

async function collectVotes(file: string | undefined, count: number): Promise<Uint8Array> {
  const votes = new Uint8Array(count * VOTES.length);
  if (file === undefined) return votes;
  let row = 0;
  for await (const faceVotes of readFerPlus(file)) {
    if (row < count) votes.set(faceVotes, row * VOTES.length);
    row++;
  }
  if (row !== count)
    throw new MienError(
      'invalid_data',
      `${file} has ${row} rows, the pictures ${count}: they must be aligned`,
    );
  return votes;
}

main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { csv: { type: 'string' }, ferplus: { type: 'string' }, out: { type: 'string' } },
  });
  if (positionals[0] !== 'fer2013' || !values.csv || !values.out)
    throw new MienError(
      'invalid_data',
      'usage: prepare-data fer2013 --csv FILE [--ferplus FILE] --out FOLDER',
    );
  const set = await collect(values.csv);
  const votes = await collectVotes(values.ferplus, set.labels.length);
  const index = writeDataSet(values.out, 'fer2013', {
    ...set,
    votes,
    copies: findCopies(set.images, set.splits),
  });
  const counts = SPLITS.map((split) => `${split} ${index.splits[split]}`).join(', ');
  console.log(
    `${values.out}: ${index.count} faces (${counts}; ${index.copies} test images copy a training image)`,
  );
});
