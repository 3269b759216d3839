import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAssets } from '../../src/assets/node.js';
import { CROP_SIZE } from '../../src/model/architecture.js';
import { createBackend } from '../../src/model/backends/index.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { median } from '../lib/statistics.js';
import type { SweepRow } from './sweep-file.js';

const WARM_UP = 3;
const ROUNDS = 30;

export interface Latency {
  /** Median of a face, batch 1. */
  milliseconds: number;
  /** Median of the rounds' ratios to the first row. */
  ratio: number;
}

/**
 * Times a face through the wasm plan of every row, in turns, so that whatever else the machine does falls on all alike.
 * Rows that have no plan (the networks that the paper compares with) are left out.
 */
export async function measureLatencies(rows: SweepRow[], out: string): Promise<Map<string, Latency>> {
  const backend = await createBackend('wasm', await loadAssets());
  const read = (row: SweepRow, file: string) => readFileSync(join(out, row.runs[0].name, file));
  // Rows of one architecture share a plan: only what is learned differs.
  const planned = new Map<string, { names: string[]; classify: () => void; dispose: () => void }>();
  const crop = Uint8Array.from({ length: CROP_SIZE ** 2 }, (_, at) => (at * 31) % 251);
  for (const row of rows) {
    const text = read(row, 'architecture.json').toString();
    const architecture = JSON.parse(text);
    if ('baseline' in architecture) continue;
    const known = planned.get(text);
    if (known) known.names.push(row.name);
    else {
      const weights = new Uint8Array(read(row, 'best.safetensors'));
      const classifier = createClassifier({ name: row.name, version: '', architecture, weights }, backend);
      planned.set(text, {
        names: [row.name],
        classify: () => classifier.classify(crop),
        dispose: () => classifier.dispose(),
      });
    }
  }
  const plans = [...planned.values()];
  const times = Array.from({ length: WARM_UP + ROUNDS }, () =>
    plans.map(({ classify }) => {
      const start = performance.now();
      classify();
      return performance.now() - start;
    }),
  ).slice(WARM_UP);
  for (const { dispose } of plans) dispose();
  return new Map(
    plans.flatMap(({ names }, at) => {
      const milliseconds = median(times.map((round) => round[at] as number));
      const ratio = median(times.map((round) => (round[at] as number) / (round[0] as number)));
      return names.map((name) => [name, { milliseconds, ratio }] as const);
    }),
  );
}
