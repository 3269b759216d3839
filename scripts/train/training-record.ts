import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MienError } from '../../src/model/errors.js';
import { readJson } from '../lib/read-json.js';

export const ratio = z.number().min(0).max(1);
export const count = z.number().int().min(0);

/** One row an epoch, as the engines write it. Older runs lack what is optional. */
const epochRecord = z.looseObject({
  epoch: count,
  step: count,
  side: count,
  /** Mean loss of the epoch's batches, on augmented pictures. */
  loss: z.number(),
  publicAccuracy: ratio,
  publicLoss: z.number(),
  /** Of the averaged weights, on pictures that have taught, not augmented. */
  trainAccuracy: ratio.optional(),
  /** Wall-clock time. */
  seconds: z.number().optional(),
});
export type Epoch = z.infer<typeof epochRecord>;

/** What is known of the data set that weights have learned from. Older files lack some. */
export const learnedData = z.looseObject({
  /** As prepare-data calls it. */
  dataName: z.string().optional(),
  /** SHA-256 of its images, of these with labels and splits, and of FER+'s votes where they teach. */
  data: z.string().optional(),
  rows: z.string().optional(),
  votes: z.string().optional(),
});
export type LearnedData = z.infer<typeof learnedData>;

/** What trained, what on, and what its network costs: engine.json. */
export const engineRecord = learnedData.extend({
  engine: z.string(),
  /** The graphics card's name, `cpu`, or the tfjs engine's backend. */
  device: z.string(),
  processes: z.number().optional(),
  parameters: count,
  macs: count,
});

/** How a run's weights were made: its config.json, commit.txt, history.jsonl and engine.json, which older runs lack. */
export const trainingRecord = z.object({
  commit: z.string(),
  config: z.looseObject({ seed: z.number(), init: z.string().nullable().optional() }),
  history: z.array(epochRecord),
  engine: engineRecord.optional(),
});
export type Training = z.infer<typeof trainingRecord>;

/**
 * What a run's folder says of how its weights were made.
 * @throws {MienError} `invalid_data`, naming the file
 */
export function readTraining(run: string): Training {
  const history = join(run, 'history.jsonl');
  const lines = readText(history).trim().split('\n').filter(Boolean);
  const rows = lines.map((line, at) => {
    const { success, data, error } = epochRecord.safeParse(parsed(line));
    if (!success) throw new MienError('invalid_data', `${history}, row ${at + 1}: ${z.prettifyError(error)}`);
    return data;
  });
  const made = join(run, 'engine.json');
  return {
    commit: readText(join(run, 'commit.txt')).trim(),
    config: readJson(trainingRecord.shape.config, join(run, 'config.json')),
    history: rows,
    ...(existsSync(made) && { engine: readJson(engineRecord, made) }),
  };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MienError('invalid_data', `${file}: ${(cause as Error).message}`, { cause });
  }
}
