import type { Quartiles } from '../lib/statistics.js';
import { machine, today } from './machine.js';

export const table = (header: readonly string[], rows: readonly (string | number)[][]): string =>
  [header, header.map((_, i) => (i === 0 ? '---' : '--:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');

const digits = (value: number) =>
  value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);

/** Median, and in brackets what the middle half of the rounds lies between. */
export const spread = ({ median, lower, upper }: Quartiles): string =>
  `${digits(median)} (${digits(lower)} to ${digits(upper)})`;

export const ratio = ({ median }: Quartiles): string =>
  Number.isFinite(median) ? `${median.toFixed(2)}×` : '-';

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** How and where a section was measured. */
export const measuredBy = (command: string): string => `${today()}, ${machine()}: \`${command}\`.`;

export const percent = (share: number): string => (share * 100).toFixed(1);
