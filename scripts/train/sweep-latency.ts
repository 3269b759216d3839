import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAssets } from '../../src/assets/node.js';
import { CROP_SIZE, formatArchitecture } from '../../src/model/architecture.js';
import { createBackend } from '../../src/model/backends/index.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { table1 } from '../../src/model/table1.js';
import { encodeSafetensors } from '../../src/model/weights.js';
import { median } from '../lib/statistics.js';
import { initialWeights } from './engines/tfjs/initialise.js';
import type { Sweep, SweepRow } from './sweep-file.js';

const WARM_UP = 3;
const ROUNDS = 30;

export interface Latency {
  /** Median of a face, batch 1. */
  milliseconds: number;
  /** Median of the rounds' ratios to the sweep's first row that has a plan. */
  ratio: number;
}

/** A network that is timed. */
interface Timed {
  /** The text of its architecture.json. */
  text: string;
  /** A weights file. */
  weights: Uint8Array;
}

/** The first row that has a plan, by random weights: it may not have been trained yet. */
function firstPlanned({ rows }: Sweep): Timed | undefined {
  for (const { runs } of rows) {
    const { architecture } = runs[0].configuration;
    if ('baseline' in architecture) continue;
    const network = table1(architecture);
    return { text: formatArchitecture(network), weights: encodeSafetensors(initialWeights(network, 1)) };
  }
  return undefined;
}

function trained({ runs: [{ name }] }: SweepRow, out: string): Timed {
  const read = (file: string) => readFileSync(join(out, name, file));
  return { text: read('architecture.json').toString(), weights: new Uint8Array(read('best.safetensors')) };
}

/**
 * Times a face through the wasm plan of some rows of a sweep, and of its first one that has a plan, in turns, so that
 * whatever else the machine does falls on all alike. Rows that have no plan (the networks that the paper compares with)
 * are left out.
 */
export async function measureLatencies(
  rows: SweepRow[],
  sweep: Sweep,
  out: string,
): Promise<Map<string, Latency>> {
  const backend = await createBackend('wasm', await loadAssets());
  // Rows of one architecture share a plan: only what is learned differs.
  const planned = new Map<string, { names: string[]; classify: () => void; dispose: () => void }>();
  const crop = Uint8Array.from({ length: CROP_SIZE ** 2 }, (_, at) => (at * 31) % 251);
  const add = ({ text, weights }: Timed, names: string[]) => {
    const architecture = JSON.parse(text);
    if ('baseline' in architecture) return;
    const classifier = createClassifier({ name: 'timed', version: '', architecture, weights }, backend);
    planned.set(text, {
      names,
      classify: () => classifier.classify(crop),
      dispose: () => classifier.dispose(),
    });
  };
  for (const row of rows) {
    const timed = trained(row, out);
    const known = planned.get(timed.text);
    if (known) known.names.push(row.name);
    else add(timed, [row.name]);
  }
  const reference = firstPlanned(sweep);
  if (!reference || planned.size === 0) return new Map();
  if (!planned.has(reference.text)) add(reference, []);
  const [first, plans] = [[...planned.keys()].indexOf(reference.text), [...planned.values()]];
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
      const ratio = median(times.map((round) => (round[at] as number) / (round[first] as number)));
      return names.map((name) => [name, { milliseconds, ratio }] as const);
    }),
  );
}
