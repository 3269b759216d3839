import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { recipeOf } from './config.js';
import type { SweepRow } from './sweep-file.js';
import type { Latency } from './sweep-latency.js';

/** What `<row>.json` of a sweep holds. Ratios are 0 to 1. */
export interface RowMetrics {
  name: string;
  why: string | null;
  /** What the row changes of the sweep's configuration, by path. */
  changes: Record<string, unknown>;
  architecture: unknown;
  config: unknown;
  commit: string;
  /** What trained it: name, version, device, processes, SHA-256 of the images. */
  engine: Record<string, unknown>;
  parameters: number;
  /** Multiply-accumulates for one picture at the network's side. */
  macs: number;
  /** A face through the wasm plan, and its ratio to the sweep's first row, measured in turns; null without a plan. */
  latency: Latency | null;
  seeds: SeedMetrics[];
  /** Wall-clock seconds of training, all seeds together. */
  seconds: number;
}

/** Of the epoch that PublicTest chose. */
interface SeedMetrics {
  seed: number;
  epoch: number;
  publicAccuracy: number;
  publicRecall: number;
  publicLoss: number;
  trainAccuracy: number;
}

interface Epoch extends Omit<SeedMetrics, 'seed'> {
  side: number;
  seconds: number;
}

const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

function historyOf(run: string): Epoch[] {
  const lines = readFileSync(join(run, 'history.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** The epoch whose weights are in best.safetensors. */
function bestOf(history: Epoch[], side: number): Epoch {
  const candidates = history.filter((epoch) => epoch.side === side);
  const highest = Math.max(...candidates.map(({ publicAccuracy }) => publicAccuracy));
  return candidates.findLast(({ publicAccuracy }) => publicAccuracy === highest) as Epoch;
}

/** The metrics of a row whose runs have ended. */
export function rowMetrics(
  { name, why, changes, runs }: SweepRow,
  out: string,
  latency: Latency | null,
): RowMetrics {
  const folders = runs.map((run) => join(out, run.name));
  const [first] = folders as [string];
  const histories = folders.map(historyOf);
  const { parameters, macs, activations: _, ...engine } = json(join(first, 'engine.json'));
  return {
    name,
    why,
    changes,
    architecture: json(join(first, 'architecture.json')),
    config: recipeOf(join(first, 'config.json')),
    commit: readFileSync(join(first, 'commit.txt'), 'utf8').trim(),
    engine,
    parameters,
    macs,
    latency,
    seeds: runs.map(({ seed, configuration }, at) => {
      const { epoch, publicAccuracy, publicRecall, publicLoss, trainAccuracy } = bestOf(
        histories[at] as Epoch[],
        configuration.architecture.side,
      );
      return { seed, epoch, publicAccuracy, publicRecall, publicLoss, trainAccuracy };
    }),
    seconds: Math.round(histories.flat().reduce((sum, epoch) => sum + epoch.seconds, 0)),
  };
}
