import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/assets/node.js';
import { sampleCrops } from '../lib/sample-crops.js';
import { BASELINE, type Race, race } from './race.js';
import { fittedTable1, writeRandomModel } from './random-model.js';
import { SUBJECTS, type SubjectName, subjectKind } from './subjects/index.js';

/** The folder of the model that all are compared with. */
export const PUBLISHED = join(packageRoot(), 'models', 'mien-v1');
const PUBLISHED_SIDE = 96;
const GROUPS = 4;

/** Crops that are timed, one a call. */
const CROPS = 8;
const ROUNDS = 11;
/** How long a subject is timed in a round, milliseconds. */
const TURN = 200;

export interface SidedRace extends Race {
  side: number;
  groups: number;
}

/** Read once: unpacking a data set takes seconds. */
let sample: Uint8Array | undefined;
const crops = () => {
  sample ??= sampleCrops(CROPS, join(packageRoot(), 'data', 'fer2013'));
  return sample;
};

const everybody = Object.keys(SUBJECTS) as SubjectName[];
const sameNetwork = everybody.filter((name) => !subjectKind(name).peer);

/** The published model against everybody. */
export async function racePublished(
  subjects = everybody,
  { rounds = ROUNDS, milliseconds = TURN } = {},
): Promise<SidedRace> {
  const result = await race({ subjects, model: PUBLISHED, crops: crops(), rounds, milliseconds });
  return { side: PUBLISHED_SIDE, groups: GROUPS, ...result };
}

async function raceRandom(
  side: number,
  groups: number,
  subjects: readonly SubjectName[],
): Promise<SidedRace> {
  const model = mkdtempSync(join(tmpdir(), 'mien-bench-'));
  try {
    writeRandomModel(model, fittedTable1(side, groups));
    const result = await race({ subjects, model, crops: crops(), rounds: ROUNDS, milliseconds: TURN });
    return { side, groups, ...result };
  } finally {
    rmSync(model, { recursive: true });
  }
}

/** Table 1 by side, with random weights. */
export async function raceSides(): Promise<SidedRace[]> {
  const races: SidedRace[] = [];
  for (const side of [48, 96, 128, 192, 384]) races.push(await raceRandom(side, GROUPS, sameNetwork));
  return races;
}

/** The published side with other numbers of groups, with random weights. */
export async function raceGroups(): Promise<SidedRace[]> {
  const races: SidedRace[] = [];
  for (const groups of [1, 2, 4, 8])
    races.push(await raceRandom(PUBLISHED_SIDE, groups, ['plan', 'stock-operations', BASELINE]));
  return races;
}
