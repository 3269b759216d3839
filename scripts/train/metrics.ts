import { LABELS, type Label } from '../../src/model/labels.js';

const CLASSES = LABELS.length;

/** How well scores fit labels. Ratios are 0 to 1. */
export interface Metrics {
  count: number;
  accuracy: number;
  /** Mean of the classes' recalls: the paper's "average recall" (Table 4). */
  macroRecall: number;
  /** confusion[truth][answer], counts, in the order of LABELS. */
  confusion: number[][];
  /** null where nothing was answered (precision) or nothing was to be found (recall). */
  perClass: Record<Label, { support: number; precision: number | null; recall: number | null }>;
  /** Expected calibration error: 15 equal bins of the best score, |accuracy − mean score| weighted by count. */
  ece: number;
  /** Those bins: faces, mean best score, share that is right; both null where there is no face. */
  reliability: { count: number; score: number | null; accuracy: number | null }[];
  /** Mean negative log-likelihood, natural logarithm. */
  loss: number;
}

const BINS = 15;

const argmax = (row: Float32Array) => row.indexOf(Math.max(...row));

/**
 * Measures scores against labels.
 * @param scores float32 [n, 7], probabilities
 * @param labels n indices into LABELS
 */
export function measure(scores: Float32Array, labels: ArrayLike<number>): Metrics {
  const confusion = LABELS.map(() => new Array<number>(CLASSES).fill(0));
  const bins = Array.from({ length: BINS }, () => ({ count: 0, right: 0, score: 0 }));
  let loss = 0;
  for (let i = 0; i < labels.length; i++) {
    const row = scores.subarray(i * CLASSES, (i + 1) * CLASSES);
    const truth = labels[i] as number;
    const answer = argmax(row);
    const best = row[answer] as number;
    const line = confusion[truth] as number[];
    line[answer] = (line[answer] as number) + 1;
    const bin = bins[Math.min(BINS - 1, Math.floor(best * BINS))] as (typeof bins)[number];
    bin.count++;
    bin.right += Number(answer === truth);
    bin.score += best;
    loss -= Math.log(Math.max(row[truth] as number, 1e-12));
  }
  return {
    count: labels.length,
    ...summarise(confusion),
    ece: calibrationError(bins),
    reliability: bins.map(({ count, score, right }) => ({
      count,
      score: count > 0 ? score / count : null,
      accuracy: count > 0 ? right / count : null,
    })),
    loss: loss / labels.length,
  };
}

function calibrationError(bins: { count: number; right: number; score: number }[]): number {
  const total = bins.reduce((sum, bin) => sum + bin.count, 0);
  return bins.reduce((sum, bin) => sum + Math.abs(bin.right - bin.score), 0) / total;
}

function summarise(
  confusion: number[][],
): Pick<Metrics, 'accuracy' | 'macroRecall' | 'confusion' | 'perClass'> {
  const total = confusion.flat().reduce((a, b) => a + b, 0);
  const hits = confusion.map((row, c) => row[c] as number);
  const ratio = (part: number, whole: number) => (whole > 0 ? part / whole : null);
  const rows = LABELS.map((label, c) => {
    const support = (confusion[c] as number[]).reduce((a, b) => a + b, 0);
    const answered = confusion.reduce((sum, row) => sum + (row[c] as number), 0);
    const hit = hits[c] as number;
    return [label, { support, precision: ratio(hit, answered), recall: ratio(hit, support) }] as const;
  });
  const recalls = rows.flatMap(([, row]) => (row.recall === null ? [] : [row.recall]));
  return {
    accuracy: hits.reduce((a, b) => a + b, 0) / total,
    macroRecall: recalls.reduce((a, b) => a + b, 0) / recalls.length,
    confusion,
    perClass: Object.fromEntries(rows) as Metrics['perClass'],
  };
}

/** The metrics as a table for people. */
export function formatMetrics(metrics: Metrics): string {
  const percent = (value: number | null) => (value === null ? '-' : (100 * value).toFixed(1)).padStart(7);
  const lines = LABELS.map((label, c) => {
    const { support, precision, recall } = metrics.perClass[label];
    const counts = (metrics.confusion[c] as number[]).map((n) => String(n).padStart(9)).join('');
    return `${label.padEnd(9)}${counts}${String(support).padStart(9)}${percent(precision)}${percent(recall)}`;
  });
  const names = LABELS.map((label) => label.padStart(9)).join('');
  return [
    `${'truth'.padEnd(9)}${names}    faces   prec.  recall   (rows: truth, columns: answers)`,
    ...lines,
    `accuracy ${metrics.accuracy.toFixed(4)}, macro recall ${metrics.macroRecall.toFixed(4)}, ` +
      `ECE ${metrics.ece.toFixed(4)}, loss ${metrics.loss.toFixed(4)}, ${metrics.count} faces`,
  ].join('\n');
}
