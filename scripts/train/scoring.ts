import { loadAssets } from '../../src/assets/node.js';
import { type BackendName, createBackend } from '../../src/model/backends/index.js';
import { LABELS } from '../../src/model/labels.js';
import type { ModelFiles } from '../../src/model/model.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { Progress } from '../lib/progress.js';
import { CROP_BYTES, type DataSet } from './data/pack.js';
import { type Metrics, measure } from './metrics.js';

/** What may be evaluated. `test` is PublicTest and PrivateTest, the paper's 7178 images. */
export const EVALUATION_SPLITS = {
  public: ['PublicTest'],
  private: ['PrivateTest'],
  test: ['PublicTest', 'PrivateTest'],
} as const;
export type EvaluationSplit = keyof typeof EVALUATION_SPLITS;

/** Metrics of a split, and of the part of it that copies no training image. */
export interface Evaluation extends Metrics {
  withoutCopies: Metrics;
}

/** Scores rows of a data set through the plan as served: float32 [n, 7]. */
export async function score(
  model: ModelFiles,
  backend: BackendName,
  set: DataSet,
  rows: number[],
): Promise<Float32Array> {
  const assets = await loadAssets();
  await createBackend(backend, assets);
  const classifier = createClassifier(model);
  const progress = new Progress(`scoring on ${backend}`, rows.length);
  const scores = new Float32Array(rows.length * LABELS.length);
  try {
    for (let from = 0; from < rows.length; from += 16) {
      const batch = rows.slice(from, from + 16);
      const crops = new Uint8Array(batch.length * CROP_BYTES);
      batch.forEach((row, i) => {
        crops.set(set.images.subarray(row * CROP_BYTES, (row + 1) * CROP_BYTES), i * CROP_BYTES);
      });
      scores.set(classifier.classify(crops), from * LABELS.length);
      progress.update(from + batch.length);
    }
  } finally {
    classifier.dispose();
  }
  return scores;
}

/** At most `limit` rows, evenly spread over all. */
export function spread(rows: number[], limit: number | undefined): number[] {
  if (limit === undefined || limit >= rows.length) return rows;
  return Array.from({ length: limit }, (_, i) => rows[Math.floor((i * rows.length) / limit)] as number);
}

/** Measures rows by their scores (float32 [n, 7]), and again without the copies. */
export function measureRows(set: DataSet, rows: number[], scores: Float32Array): Evaluation {
  const part = (kept: number[]): Metrics =>
    measure(
      Float32Array.from(
        kept.flatMap((i) => [...scores.subarray(i * LABELS.length, (i + 1) * LABELS.length)]),
      ),
      kept.map((i) => set.labels[rows[i] as number] as number),
    );
  const all = Array.from(rows.keys());
  return { ...part(all), withoutCopies: part(all.filter((i) => !set.copies[rows[i] as number])) };
}
