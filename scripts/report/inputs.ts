import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Architecture, parseArchitecture } from '../../src/model/architecture.js';
import { MienError } from '../../src/model/errors.js';
import {
  type LatencyFile,
  type MetricsFile,
  readLatency,
  readMetricsFolder,
} from '../train/metrics-files.js';
import type { ModelMetrics } from '../train/model-card.js';

/** A published model. */
export interface Model {
  /** Name and version, as the report calls it. */
  title: string;
  metrics: ModelMetrics;
  arch: Architecture;
}

/** Metrics files of one table, by their names without `.json`, and what their networks take to answer. */
export interface Table {
  files: Map<string, MetricsFile>;
  latency: LatencyFile | undefined;
}

/** All that the report is made of. */
export interface Inputs {
  /** Those trained on FER2013, by name; the first is the one that is served by default. */
  models: [Model, ...Model[]];
  baselines: Table;
  ablation: Table;
  frontier: Table;
  protocols: Table;
}

/**
 * Reads models/ and docs/metrics/ of a checkout.
 * @throws {MienError} `invalid_data`, naming a file that is broken, or of a trial
 */
export function readInputs(root: string): Inputs {
  const [first, ...others] = readModels(join(root, 'models')).filter(
    ({ metrics }) => metrics.training.dataName === 'fer2013',
  );
  if (!first) throw new MienError('invalid_data', `${root} has no model trained on fer2013`);
  const read = (name: string) => readTable(join(root, 'docs', 'metrics', name));
  return {
    models: [first, ...others],
    baselines: read('baselines'),
    ablation: read('ablation'),
    frontier: read('frontier'),
    protocols: read('protocols'),
  };
}

/** Every published model, by name. */
export function readModels(folder: string): Model[] {
  return readdirSync(folder)
    .sort()
    .filter((name) => existsSync(join(folder, name, 'metrics.json')))
    .map((name) => {
      const read = (file: string) => JSON.parse(readFileSync(join(folder, name, file), 'utf8'));
      const metrics: ModelMetrics = read('metrics.json');
      const arch = parseArchitecture(read('architecture.json'));
      return { title: `${metrics.name} ${metrics.version}`, metrics, arch };
    });
}

function readTable(folder: string): Table {
  const files = readMetricsFolder(folder);
  for (const [name, { trial }] of files)
    if (trial)
      throw new MienError(
        'invalid_data',
        `${join(folder, name)}.json is of a trial: it is no figure to report`,
      );
  return { files, latency: readLatency(folder) };
}

/**
 * What all rows of a table are measured on.
 * @throws {MienError} `invalid_data` where they differ, and so cannot be compared
 */
export function settingOf(table: string, files: Table['files']): string {
  const settings = new Set(
    [...files.values()].map(({ results, tta }) =>
      [results[0]?.on, ...(tta === 'none' ? [] : [`${tta} averaging`])].join(', '),
    ),
  );
  if (settings.size > 1)
    throw new MienError(
      'invalid_data',
      `docs/metrics/${table} has networks measured differently: ${[...settings].join('; ')}`,
    );
  return [...settings].join();
}
