import { MienError } from '../../../src/model/errors.js';
import { LABELS } from '../../../src/model/labels.js';
import { commit } from '../../lib/commit.js';
import type { Calibration } from '../calibrate.js';
import { type DataSet, type Index, rowsOf } from '../data/pack.js';
import { type Metrics, measure } from '../metrics.js';
import type { FoldRow, MetricsFile } from '../metrics-files.js';
import type { Subject } from '../subject.js';
import type { Tta } from '../tta.js';
import type { Part } from './protocol.js';

/** What one fold's weights made of the rows that they are measured on. */
export interface Tested {
  name: string;
  set: DataSet;
  rows: number[];
  /** float32 [rows, 7]. */
  scores: Float32Array;
  /** Null where it is in the weights. */
  calibration: Calibration | null;
  /** SHA-256 of the weights file. */
  weights: string;
}

/** Rows that any part measures. */
export const testedRows = (parts: readonly Part[], set: DataSet): number[] =>
  [...set.labels.keys()].filter((row) => parts.some((part) => part.holds(set, row)));

/** A part over several folds' pictures together; undefined where it has none. */
function measurePart(part: Part, folds: Tested[]): Metrics | undefined {
  const labels: number[] = [];
  const scores: number[] = [];
  for (const { set, rows, scores: own } of folds)
    rows.forEach((row, at) => {
      if (!part.holds(set, row)) return;
      labels.push(set.labels[row] as number);
      scores.push(...own.subarray(at * LABELS.length, (at + 1) * LABELS.length));
    });
  if (labels.length === 0) return undefined;
  const flat = Float32Array.from(scores);
  return measure(part.change ? part.change(flat) : flat, labels);
}

function foldRow(headline: Part, fold: Tested): FoldRow {
  const { accuracy, macroRecall, ece } = measurePart(headline, [fold]) as Metrics;
  const count = (split: 'Training' | 'PublicTest') => rowsOf(fold.set, split).length;
  return {
    name: fold.name,
    training: count('Training'),
    selection: count('PublicTest'),
    tested: fold.rows.length,
    weights: fold.weights,
    temperature: fold.calibration?.temperature ?? null,
    prior: fold.calibration?.prior ?? null,
    smoothing: fold.calibration?.smoothing ?? null,
    accuracy,
    macroRecall,
    ece,
  };
}

/** Standard deviation of a sample; null of one value. */
function deviation(values: number[], mean: number): number | null {
  if (values.length < 2) return null;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

export interface Measured {
  /** The folds' networks are alike but for their weights: the first stands for all. */
  subject: Subject;
  name: string;
  protocol: MetricsFile['protocol'];
  parts: readonly Part[];
  index: Index;
  tta: Tta;
  trial: boolean;
  folds: Tested[];
}

/**
 * The metrics file of what was tested.
 * @throws {MienError} `invalid_data` where a fold has nothing to measure
 */
export function metricsOf({
  subject,
  name,
  protocol,
  parts,
  index,
  tta,
  trial,
  folds,
}: Measured): MetricsFile {
  const [headline] = parts as [Part];
  const empty = folds.find((fold) => !fold.rows.some((row) => headline.holds(fold.set, row)));
  if (empty) throw new MienError('invalid_data', `${empty.name} has no picture to measure`);
  const rows = folds.map((fold) => foldRow(headline, fold));
  const accuracies = rows.map(({ accuracy }) => accuracy);
  const mean = accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length;
  return {
    format: 1,
    name,
    version: subject.version,
    protocol,
    trial,
    data: { name: index.name, images: index.images, count: index.count },
    scored: subject.scored,
    tta,
    architecture: subject.architecture,
    cost: subject.cost,
    training: subject.training,
    commit: commit(),
    folds: rows,
    accuracy: { mean, deviation: deviation(accuracies, mean) },
    results: parts.flatMap((part) => {
      const metrics = measurePart(part, folds);
      return metrics ? [{ on: part.on, ...metrics }] : [];
    }),
  };
}
