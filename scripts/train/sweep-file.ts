import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { MienError } from '../../src/model/errors.js';
import { readJson } from '../lib/read-json.js';
import { type Configuration, parseConfiguration } from './config.js';

/** Fields by their path, as "augmentation.cutmix", and what they become. */
const changes = z.record(z.string(), z.unknown()).default({});

/** Checks that all differ: runs of one name would have one folder. */
const different =
  <T>(what: string, nameOf: (value: T) => unknown) =>
  (values: T[], context: z.RefinementCtx) => {
    const names = values.map(nameOf);
    const again = new Set(names.filter((name, at) => names.indexOf(name) < at));
    if (again.size > 0)
      context.addIssue({ code: 'custom', message: `more than once: ${what} ${[...again].join(', ')}` });
  };

const seeds = z
  .array(z.number().int().min(0))
  .min(1)
  .superRefine(different('seed', (seed) => seed));

const row = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  /** What it asks or expects. */
  why: z.string().optional(),
  /** Configuration that it starts from, where that is not the sweep's. */
  base: z.string().optional(),
  changes,
  /** Where they are not the sweep's. */
  seeds: seeds.optional(),
});

const sweepFile = z.strictObject({
  /** For who reads the file. */
  about: z.string(),
  /** Configuration of every row, beside this file or from there. */
  base: z.string(),
  /** Of every row, before its own. */
  changes,
  seeds,
  rows: z
    .array(row)
    .min(1)
    .superRefine(different('row', ({ name }) => name)),
});

/** One training: a row with one of its seeds. */
export interface SweepRun {
  /** The row's name and the seed: also the folder's name, and what a teacher is called by its pupils. */
  name: string;
  seed: number;
  configuration: Configuration;
}

export interface SweepRow {
  name: string;
  why: string | null;
  changes: Record<string, unknown>;
  runs: [SweepRun, ...SweepRun[]];
}

export interface Sweep {
  name: string;
  rows: SweepRow[];
}

/**
 * What `--quick` makes of every row: its network and its options for a few steps on generated faces. Enough to see that
 * all of it works, and for no figure that means anything.
 */
const QUICK: Record<string, unknown> = {
  data: 'generated',
  images: null,
  init: null,
  'architecture.side': 24,
  stages: [{ side: 24, epochs: 1, batch: 32 }],
  precision: 'float32',
  compile: false,
};

/**
 * Reads a sweep: rows of configurations that differ by a change or two.
 * @param folder where its runs will lie; a teacher that is called as a run of the sweep is that run
 * @throws {MienError} `invalid_data`, naming file, row and fields
 */
export function readSweep(file: string, folder: string, quick: boolean): Sweep {
  const sweep = readJson(sweepFile, file);
  const rows = sweep.rows.map((given): SweepRow => {
    const base = read(join(dirname(file), given.base ?? sweep.base));
    const changed = { ...sweep.changes, ...given.changes, ...(quick && QUICK) };
    const runs = (given.seeds ?? sweep.seeds).map((seed): SweepRun => {
      const from = `${file}, row ${given.name}`;
      const configuration = parseConfiguration(withChanges(base, { ...changed, seed }, from), from);
      return { name: `${given.name}-${seed}`, seed, configuration };
    });
    return {
      name: given.name,
      why: given.why ?? null,
      changes: given.changes,
      runs: runs as SweepRow['runs'],
    };
  });
  const names = new Set(rows.flatMap((one) => one.runs.map(({ name }) => name)));
  for (const { configuration } of rows.flatMap(({ runs }) => runs))
    if (configuration.distillation)
      configuration.distillation.teachers = configuration.distillation.teachers.map((teacher) =>
        names.has(teacher) ? join(folder, teacher) : teacher,
      );
  return { name: basename(file, '.json'), rows };
}

function read(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new MienError('invalid_data', `${file}: ${(cause as Error).message}`, { cause });
  }
}

/** A copy of a configuration's JSON with fields set by their paths. */
export function withChanges(json: unknown, changed: Record<string, unknown>, from: string): unknown {
  const copy = structuredClone(json) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changed)) {
    const names = path.split('.');
    const last = names.pop() as string;
    let place = copy;
    for (const name of names) {
      const next = place[name];
      if (typeof next !== 'object' || next === null)
        throw new MienError('invalid_data', `${from}: there is no ${path}`);
      place = next as Record<string, unknown>;
    }
    place[last] = value;
  }
  return copy;
}
