import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MienError } from '../../../src/model/errors.js';
import { LABELS } from '../../../src/model/labels.js';
import { runCommand } from '../../lib/child.js';
import { sha256, writeAtomically } from '../../lib/files.js';
import { readJson } from '../../lib/read-json.js';
import { readConfiguration } from '../config.js';
import { type DataSet, type Index, rowsOf, writeDataSet } from '../data/pack.js';
import { begunBy, readGiven } from '../run.js';
import { openSubject, type Subject, scoreCalibrated } from '../subject.js';
import type { Fold, Part } from './protocol.js';
import { type Tested, testedRows } from './tested.js';

/** A packed data set and where it lies. */
export interface Given {
  folder: string;
  set: DataSet;
  index: Index;
}

/** What `npm run train` is told beside data and run. */
export interface TrainOptions {
  config: string;
  engine: string;
  backend: string;
}

/** What stays of a finished fold beside its run: scores.f32, and this. */
const outcome = z.object({
  weights: z.string(),
  calibration: z.object({ temperature: z.number(), prior: z.number(), smoothing: z.number() }).nullable(),
});
const OUTCOME = 'outcome.json';
const SCORES = 'scores.f32';

/** The run that a fold's folder holds. */
const runOf = (folder: string) => join(folder, 'run');
const isDone = (folder: string) => existsSync(join(folder, OUTCOME));
const isBegun = (folder: string) => begunBy(runOf(folder)).length > 0;

/**
 * Makes a folder the run of one protocol on one data set by one configuration, or finds that it is.
 * @throws {MienError} `invalid_data` where it holds another run, or this one and `resume` is not asked for
 */
export function claim(
  folder: string,
  folds: Fold[],
  what: { protocol: string; trial: boolean; data: Index; options: TrainOptions },
  resume: boolean,
): void {
  const file = join(folder, 'protocol.json');
  const { protocol, trial, data, options } = what;
  const { init } = readConfiguration(options.config);
  const begunWith = {
    protocol,
    trial,
    data: data.files,
    ...options,
    configuration: sha256(readFileSync(options.config)),
    // Each fold reads them anew.
    ...(init && { init: sha256(readGiven('init', init)) }),
  };
  const own = `${JSON.stringify(begunWith, null, 1)}\n`;
  const holdsRun = folds.some(({ name }) => isDone(join(folder, name)) || isBegun(join(folder, name)));
  if (holdsRun && !resume)
    throw new MienError(
      'invalid_data',
      `${folder} holds a run: --resume goes on with it, --run names another`,
    );
  if (holdsRun && readFileSync(file, 'utf8') !== own)
    throw new MienError(
      'invalid_data',
      `${folder} was begun with another protocol, data set, configuration, initial weights or engine: see ${file}`,
    );
  writeAtomically(file, own);
}

/** Trains and scores a fold, from where it was cut short, or reads what it gave if it is done. */
export async function runFold(
  fold: Fold,
  parts: readonly Part[],
  folder: string,
  given: Given,
  options: TrainOptions,
): Promise<{ subject: Subject; tested: Tested }> {
  const rows = testedRows(parts, fold.set);
  const done = isDone(folder);
  if (!done) await train(fold, folder, given, options);
  const subject = await openSubject(runOf(folder), 'wasm');
  if (!done) await score(subject, fold.set, rows, folder);
  const { weights, calibration } = readJson(outcome, join(folder, OUTCOME));
  const scores = new Float32Array(new Uint8Array(readFileSync(join(folder, SCORES))).buffer);
  if (scores.length !== rows.length * LABELS.length)
    throw new MienError('invalid_data', `${folder}: ${SCORES} is not of ${rows.length} pictures`);
  return { subject, tested: { name: fold.name, set: fold.set, rows, scores, calibration, weights } };
}

/** Trains by `npm run train`'s own command, from the checkpoint if there is one. */
async function train(fold: Fold, folder: string, given: Given, options: TrainOptions): Promise<void> {
  const resume = isBegun(folder);
  // What there is before the first checkpoint is of no use, and its history would be gone on with.
  if (!resume) rmSync(folder, { recursive: true, force: true });
  const data = fold.set === given.set ? given.folder : join(folder, 'data');
  if (!existsSync(data)) writeDataSet(data, given.index.name, fold.set);
  const { config, engine, backend } = options;
  const command = ['--config', config, '--engine', engine, '--data', data];
  // Torch has none.
  if (engine === 'tfjs') command.push('--backend', backend);
  if (resume) command.push('--resume');
  await runCommand(join('scripts', 'train', 'train.ts'), [...command, '--run', runOf(folder)]);
}

/** Writes the fold's scores, then that it is done. */
async function score(subject: Subject, set: DataSet, rows: number[], folder: string): Promise<void> {
  const fitting = rowsOf(set, 'PublicTest');
  const { scores, calibration } = await scoreCalibrated(subject, set, { rows, fitting, tta: 'none' });
  writeAtomically(join(folder, SCORES), new Uint8Array(scores.buffer));
  writeAtomically(join(folder, OUTCOME), `${JSON.stringify({ weights: subject.weights, calibration })}\n`);
}
