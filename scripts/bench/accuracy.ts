import { join } from 'node:path';
import { packageRoot } from '../../src/assets/node.js';
import { CROP_BYTES } from '../../src/model/architecture.js';
import type { Quartiles } from '../lib/statistics.js';
import { type DataSet, readDataSet, rowsOf } from '../train/data/pack.js';
import type { Metrics } from '../train/metrics.js';
import { measureRows } from '../train/scoring.js';
import { PUBLISHED, racePublished } from './inference.js';
import { SubjectProcess } from './subject-process.js';
import type { SubjectName } from './subjects/index.js';

/** What a user could pick. */
const SUBJECTS: SubjectName[] = ['plan', 'face-api', 'human'];

/** Crops that are handed over at a time. */
const BATCH = 64;

export interface Accuracy {
  name: SubjectName;
  metrics: Metrics;
  /** Milliseconds a face. */
  ms: Quartiles;
}

export const DATA = join(packageRoot(), 'data', 'fer2013');

/** Accuracy on all 7178 test images of FER2013, and milliseconds a face, of who is installed. */
export async function accuracies(): Promise<Accuracy[]> {
  const set = readDataSet(DATA);
  const rows = rowsOf(set, 'PublicTest', 'PrivateTest');
  const { contestants } = await racePublished(SUBJECTS);
  const results: Accuracy[] = [];
  for (const { name, ms } of contestants)
    results.push({ name, ms, metrics: await measureOn(name, set, rows) });
  return results;
}

/** What a subject, the plan with the published model, makes of rows of a data set. */
export async function measureOn(name: SubjectName, set: DataSet, rows: number[]): Promise<Metrics> {
  return measureRows(set, rows, await score(name, set.images, rows));
}

async function score(name: SubjectName, images: Uint8Array, rows: number[]): Promise<Float32Array> {
  const subject = await SubjectProcess.start(name, PUBLISHED);
  try {
    const scores: Float32Array[] = [];
    for (let from = 0; from < rows.length; from += BATCH) {
      const batch = rows.slice(from, from + BATCH);
      const crops = new Uint8Array(batch.length * CROP_BYTES);
      batch.forEach((row, i) => {
        crops.set(images.subarray(row * CROP_BYTES, (row + 1) * CROP_BYTES), i * CROP_BYTES);
      });
      scores.push(await subject.classify(crops));
    }
    return Float32Array.from(scores.flatMap((part) => [...part]));
  } finally {
    subject.stop();
  }
}
