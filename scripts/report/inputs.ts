import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Architecture, parseArchitecture } from '../../src/model/architecture.js';
import { MienError } from '../../src/model/errors.js';
import { readJson } from '../lib/read-json.js';
import {
  type MetricsFile,
  readMetricsFolder,
  readSweepFolder,
  type SweepRow,
} from '../train/metrics-files.js';
import type { ModelMetrics } from '../train/model-card.js';

/** A published model. */
export interface Model {
  /** Name and version, as the report calls it. */
  title: string;
  metrics: ModelMetrics;
  arch: Architecture;
}

/** All that the report is made of. */
export interface Inputs {
  /** Those trained on FER2013, by name; the first is the one that is served by default. */
  models: [Model, ...Model[]];
  /** By their files' names. */
  baselines: Map<string, MetricsFile>;
  protocols: Map<string, MetricsFile>;
  /** The rows of each sweep, by the sweep's name. */
  sweeps: Map<string, SweepRow[]>;
}

/**
 * The published models, which are trained on FER2013; the first is the one that is served by default.
 * @throws {MienError} `invalid_data` where there is none
 */
export function readPublished(root: string): Inputs['models'] {
  const [first, ...others] = readModels(join(root, 'models')).filter(
    ({ metrics }) => metrics.training.dataName === 'fer2013',
  );
  if (!first) throw new MienError('invalid_data', `${root} has no model trained on fer2013`);
  return [first, ...others];
}

/**
 * Reads models/ and docs/metrics/ of a checkout.
 * @throws {MienError} `invalid_data`, naming what is broken, or of a trial
 */
export function readInputs(root: string): Inputs {
  const models = readPublished(root);
  const metrics = join(root, 'docs', 'metrics');
  return {
    models,
    baselines: readFiles(join(metrics, 'baselines')),
    protocols: readFiles(join(metrics, 'protocols')),
    sweeps: readSweeps(join(metrics, 'sweeps'), models[0].metrics.training.data),
  };
}

function readFiles(folder: string): Map<string, MetricsFile> {
  const files = readMetricsFolder(folder);
  for (const [name, { trial }] of files)
    if (trial)
      throw new MienError(
        'invalid_data',
        `${join(folder, name)}.json is of a trial: it is no figure to report`,
      );
  return files;
}

/** @param data hash of the images that every network of ours must have learnt from */
function readSweeps(folder: string, data: string): Inputs['sweeps'] {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const sweeps = new Map(names.map((name) => [name, readSweepFolder(join(folder, name))]));
  for (const [name, rows] of sweeps)
    for (const row of rows)
      if (row.engine && row.engine.data !== data)
        throw new MienError(
          'invalid_data',
          `${join(folder, name)}: ${row.name} learnt from other pictures than the published model: a trial?`,
        );
  return sweeps;
}

/** The model that is served unless another is asked for: the report is of it. */
const SERVED = 'mien-v1';

/** What says that a metrics file is a published model's; the rest is as publish-model has written it. */
const published = z.looseObject({
  version: z.string(),
  splits: z.looseObject({ public: z.looseObject({}), private: z.looseObject({}), test: z.looseObject({}) }),
  training: z.looseObject({}),
});

/**
 * Every published model, the served one first, then by name: its folder's, as it is served, also where that was copied.
 * @throws {MienError} `invalid_data` or `invalid_architecture`, naming the file that is broken or the field
 */
export function readModels(folder: string): Model[] {
  return (existsSync(folder) ? readdirSync(folder) : [])
    .sort((one, other) => Number(other === SERVED) - Number(one === SERVED) || (one < other ? -1 : 1))
    .filter((name) => existsSync(join(folder, name, 'metrics.json')))
    .map((name) => {
      const read = readJson(published, join(folder, name, 'metrics.json'));
      const metrics = { ...read, name } as unknown as ModelMetrics;
      const arch = parseArchitecture(readJson(z.unknown(), join(folder, name, 'architecture.json')));
      return { title: `${name} ${metrics.version}`, metrics, arch };
    });
}
