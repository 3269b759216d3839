import { LABELS } from '../../src/model/labels.js';
import type { Metrics } from '../train/metrics.js';

/** A part of the report, and the drawings that it shows, by name. */
export interface Section {
  text: string;
  figures: Record<string, string>;
}

/** A ratio in percent, two digits; a dash where it is not known. */
export const percent = (ratio: number | null) => (ratio === null ? '-' : (ratio * 100).toFixed(2));

export const table = (header: string[], rows: (string | number)[][]) =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** A confusion matrix as a table. */
export const counts = (confusion: number[][]) =>
  table(
    ['truth \\ answer', ...LABELS],
    confusion.map((row, truth) => [LABELS[truth] as string, ...row]),
  );

export const picture = (name: string, what: string) => `![${what}](report/${name}.svg)`;

/** Accuracy and macro recall of a confusion matrix. */
export function summary(confusion: number[][]): Pick<Metrics, 'accuracy' | 'macroRecall'> {
  const sums = confusion.map((row) => row.reduce((a, b) => a + b, 0));
  const hits = confusion.map((row, at) => row[at] as number);
  return {
    accuracy: hits.reduce((a, b) => a + b, 0) / sums.reduce((a, b) => a + b, 0),
    macroRecall: hits.reduce((sum, hit, at) => sum + hit / (sums[at] as number), 0) / hits.length,
  };
}

/** Mean of ratios, and each of them where there are several: "68.30 (68.10, 68.50)". */
export function meanOf(ratios: number[]): string {
  const mean = percent(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length);
  return ratios.length > 1 ? `${mean} (${ratios.map(percent).join(', ')})` : mean;
}
