import { loadAssets } from '../../src/assets/node.js';
import { CROP_BYTES } from '../../src/model/architecture.js';
import { type BackendName, createBackend } from '../../src/model/backends/index.js';
import { LABELS } from '../../src/model/labels.js';
import type { ModelFiles } from '../../src/model/model.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { Progress } from '../lib/progress.js';
import { cropsOf, type DataSet } from './data/pack.js';
import { type Metrics, measure } from './metrics.js';

/** Metrics of a split, and of the part of it that copies no training image. */
export interface Evaluation extends Metrics {
  withoutCopies: Metrics;
}

/** Crops of one pass. */
const BATCH = 16;

/** Scores crops (uint8 [n, 48, 48]) through the plan as served: float32 [n, 7]. */
export async function scoreByPlan(
  model: ModelFiles,
  backend: BackendName,
  crops: Uint8Array,
): Promise<Float32Array> {
  const classifier = createClassifier(model, await createBackend(backend, await loadAssets()));
  const count = crops.length / CROP_BYTES;
  const progress = new Progress(`scoring on ${backend}`, count);
  const scores = new Float32Array(count * LABELS.length);
  try {
    for (let from = 0; from < count; from += BATCH) {
      const batch = crops.subarray(from * CROP_BYTES, (from + BATCH) * CROP_BYTES);
      scores.set(classifier.classify(batch), from * LABELS.length);
      progress.update(Math.min(count, from + BATCH));
    }
  } finally {
    classifier.dispose();
  }
  return scores;
}

/** Scores rows of a data set through the plan as served: float32 [n, 7]. */
export const score = (model: ModelFiles, backend: BackendName, set: DataSet, rows: number[]) =>
  scoreByPlan(model, backend, cropsOf(set.images, rows));

/** One after the other. */
export function joined(one: Float32Array, other: Float32Array): Float32Array {
  const both = new Float32Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
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
