/**
 * Metrics files: what `npm run evaluate -- --json` and `npm run protocol` write, and all that `npm run report` reads beside
 * the published models' own. Those worth keeping are committed under docs/metrics/ (docs/architecture.md, "Metrics files").
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { LABELS } from '../../src/model/labels.js';
import { writeAtomically } from '../lib/files.js';
import { readJson } from '../lib/read-json.js';
import type { Metrics } from './metrics.js';
import { count, ratio, trainingRecord } from './training-record.js';
import { TTA } from './tta.js';

const metrics: z.ZodType<Metrics> = z.object({
  count,
  accuracy: ratio,
  macroRecall: ratio,
  confusion: z.array(z.array(count).length(LABELS.length)).length(LABELS.length),
  perClass: z.record(
    z.enum(LABELS),
    z.object({ support: count, precision: ratio.nullable(), recall: ratio.nullable() }),
  ),
  ece: ratio,
  reliability: z.array(z.object({ count, score: ratio.nullable(), accuracy: ratio.nullable() })),
  loss: z.number(),
});

const fold = z.object({
  name: z.string(),
  /** Pictures that taught, that chose the epoch and fitted the calibration, and that were measured. */
  training: count,
  selection: count,
  tested: count,
  /** SHA-256 of the weights file. */
  weights: z.string(),
  /** Divides the logits: fitted on the pictures that chose; null where it is in the weights. */
  temperature: z.number().nullable(),
  /** Share of the labels' logarithmic frequencies that is added to the logits before; older files lack it. */
  prior: z.number().nullable().optional(),
  /** What the scores are rid of; older files lack it. */
  smoothing: z.number().nullable().optional(),
  accuracy: ratio,
  macroRecall: ratio,
  ece: ratio,
});
export type FoldRow = z.infer<typeof fold>;

export const metricsFile = z.object({
  format: z.literal(1),
  /** What was measured: a model's or a run's name; a protocol that trains is named after its run. */
  name: z.string(),
  version: z.string().nullable(),
  protocol: z.object({
    name: z.string(),
    about: z.string(),
    /** What stands on both sides, training's and test's, that should not; null where nothing does. */
    leaks: z.string().nullable(),
  }),
  /** Of a `--trial` or a `--limit`: too few pictures for figures that mean anything. */
  trial: z.boolean(),
  data: z.object({ name: z.string(), images: z.string(), count }),
  /** `plan` as served, or `torch` for networks that have no plan; the backend or device; what it computed with. */
  scored: z.object({ by: z.string(), on: z.string(), precision: z.string() }),
  tta: z.enum(TTA),
  /** architecture.json; null for networks that are not ours. */
  architecture: z.looseObject({}).nullable(),
  /** `macs` is null where nobody has counted them. */
  cost: z.object({ parameters: count, macs: count.nullable() }).nullable(),
  /** null for a model that others have trained. Where a protocol trains several runs, the first one's. */
  training: trainingRecord.nullable(),
  /** The commit that measured. */
  commit: z.string(),
  folds: z.array(fold).min(1),
  /** Of the folds' accuracies; the deviation (n − 1) is null where there is one fold. */
  accuracy: z.object({ mean: ratio, deviation: z.number().nullable() }),
  /** Each over all folds' pictures together, the headline first. */
  results: z.array(z.intersection(z.object({ on: z.string() }), metrics)).min(1),
});
export type MetricsFile = z.infer<typeof metricsFile>;

/**
 * A row of a sweep (`npm run sweep`): one network and recipe, trained with several seeds. Networks of others, which are drawn
 * beside ours, have what is measured of them and null for the rest.
 */
export const sweepRow = z.looseObject({
  name: z.string(),
  /** What the row changes of the sweep's configuration, by path. */
  changes: z.record(z.string(), z.unknown()).default({}),
  architecture: z.looseObject({}).nullable(),
  /** What it was trained with; absent for those of others. */
  config: z
    .looseObject({
      /** Weights that it went on from. */
      init: z.string().nullable(),
      /** Pictures an epoch; null for all. */
      images: count.nullable(),
      /** Absent where it had no teachers; each by its path. */
      distillation: z.looseObject({ teachers: z.array(z.string()) }).nullish(),
      stages: z.array(z.looseObject({ side: count, epochs: count })).min(1),
    })
    .optional(),
  /** `data` is the SHA-256 of the images. */
  engine: z.looseObject({ data: z.string(), device: z.string() }).nullable(),
  parameters: count.nullable(),
  macs: count.nullable(),
  /** A face through wasm, and its ratio to the sweep's first row (`frontier`: to the published network), measured in turns; null without a plan. */
  latency: z.object({ milliseconds: z.number().positive(), ratio: z.number().positive() }).nullable(),
  /** Of the epoch that PublicTest chose. */
  seeds: z.array(z.looseObject({ seed: count, publicAccuracy: ratio, publicRecall: ratio })).min(1),
});
export type SweepRow = z.infer<typeof sweepRow>;

const jsonNames = (folder: string) =>
  (existsSync(folder) ? readdirSync(folder).sort() : []).filter((name) => name.endsWith('.json'));

/** The metrics files of a folder by their names without `.json`, in the names' order; none where there is no folder. */
export const readMetricsFolder = (folder: string): Map<string, MetricsFile> =>
  new Map(
    jsonNames(folder).map((name) => [basename(name, '.json'), readJson(metricsFile, join(folder, name))]),
  );

/** A sweep's rows, in the order of their files' names. */
export const readSweepFolder = (folder: string): SweepRow[] =>
  jsonNames(folder).map((name) => readJson(sweepRow, join(folder, name)));

/** Checks and writes a metrics file. */
export function writeMetricsFile(file: string, content: MetricsFile): void {
  writeAtomically(file, `${JSON.stringify(metricsFile.parse(content), null, 1)}\n`);
}
