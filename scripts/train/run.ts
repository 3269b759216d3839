import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatArchitecture } from '../../src/model/architecture.js';
import { MienError } from '../../src/model/errors.js';
import { table1 } from '../../src/model/table1.js';
import { commit } from '../lib/commit.js';
import { writeAtomically } from '../lib/files.js';
import { formatBaseline } from './baseline.js';
import { type Configuration, type Recipe, recipeOf } from './config.js';
import { generatedFaces } from './data/generated.js';
import { writeDataSet } from './data/pack.js';
import { initialFor } from './initial.js';

/** Where the engines leave what a run goes on from. */
export const CHECKPOINTS = { torch: 'checkpoint.pt', tfjs: 'checkpoint.safetensors' } as const;
export type Engine = keyof typeof CHECKPOINTS;

/** The engines that have a checkpoint in a run's folder; none where it has not begun. */
export const begunBy = (run: string): Engine[] =>
  (Object.keys(CHECKPOINTS) as Engine[]).filter((engine) => existsSync(join(run, CHECKPOINTS[engine])));

/** Whether a folder holds a run: one that was fetched from another machine may have lost its checkpoint. */
const holdsRun = (run: string): boolean => begunBy(run).length > 0 || existsSync(join(run, 'history.jsonl'));

/** @throws {MienError} where a run has lost its checkpoint: what would go on with it would begin anew, and overwrite it */
export function refuseLost(run: string): void {
  if (holdsRun(run) && begunBy(run).length === 0)
    throw new MienError('invalid_data', `${run} holds a run without its checkpoint: --run names another`);
}

/** The text of a configuration's architecture.json. */
function describe({ architecture }: Configuration): string {
  return 'baseline' in architecture ? formatBaseline(architecture) : formatArchitecture(table1(architecture));
}

/** @throws {MienError} where a run's folder is of another configuration */
function refuseOther(run: string, recipe: Recipe, description: string): void {
  const theirs: Record<string, unknown> = { ...recipeOf(join(run, 'config.json')) };
  const differing = Object.entries(recipe).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(theirs[name]),
  );
  const names = differing.map(([name]) => name);
  if (readFileSync(join(run, 'architecture.json'), 'utf8') !== description) names.unshift('architecture');
  if (names.length > 0)
    throw new MienError(
      'invalid_data',
      `${run} holds a run of another ${names.join(', ')}: use another --run`,
    );
}

/** @throws {MienError} where a run is another engine's, whose checkpoint this one cannot read: it would begin anew */
export function refuseOtherEngine(run: string, engine: Engine): void {
  const engines = begunBy(run);
  if (engines.length > 0 && !engines.includes(engine))
    throw new MienError(
      'invalid_data',
      `${run} was begun by the ${engines[0]} engine: --engine ${engines[0]} goes on with it, --run names another`,
    );
}

/**
 * Writes a run's folder: architecture.json, config.json, commit.txt and what the run starts from. The folder and the
 * data are all that an engine needs, on whatever machine it runs; but teachers may still have to be trained.
 *
 * @param how `letFinished`: a run that has ended is trained no more by the caller, so that any engine may have been its
 * @throws {MienError} `invalid_data` where the configuration is not fit for a run, or the folder holds another
 */
export function prepareRun(
  run: string,
  configuration: Configuration,
  { engine, resume, letFinished = false }: { engine: Engine; resume: boolean; letFinished?: boolean },
): void {
  const { architecture, data: _, ...recipe } = configuration;
  const description = describe(configuration);
  if (!recipe.stages.some(({ side }) => side === architecture.side))
    throw new MienError('invalid_data', `no stage of ${run} trains at its side, ${architecture.side}`);
  const started = holdsRun(run);
  if (started && !resume) {
    refuseLost(run);
    throw new MienError('invalid_data', `${run} holds a run: --resume goes on with it, --run names another`);
  }
  if (!(letFinished && finished(run, configuration))) refuseOtherEngine(run, engine);
  if (started) refuseOther(run, recipe, description);
  writeAtomically(join(run, 'architecture.json'), description);
  writeAtomically(join(run, 'config.json'), `${JSON.stringify(recipe, null, 2)}\n`);
  // Left by a run that was killed while it wrote.
  for (const name of readdirSync(run))
    if (name.endsWith('.part')) rmSync(join(run, name), { recursive: true });
  if (!started) {
    writeAtomically(join(run, 'commit.txt'), `${commit()}\n`);
    if (recipe.init) writeAtomically(join(run, 'init.safetensors'), initialOf(configuration, recipe.init));
    // Afterwards the run has copies of its own.
    for (const teacher of recipe.distillation?.teachers ?? [])
      readGiven('teacher', join(teacher, 'architecture.json'));
  }
  const epochs = recipe.stages.reduce((sum, stage) => sum + stage.epochs, 0);
  console.log(`${run}: ${epochs} epochs`);
}

/** Whether a run has trained all its epochs. */
export function finished(run: string, { stages }: Configuration): boolean {
  const history = join(run, 'history.jsonl');
  if (!existsSync(history)) return false;
  const epochs = stages.reduce((sum, stage) => sum + stage.epochs, 0);
  // Epochs may be recorded every few.
  const last = readFileSync(history, 'utf8').trim().split('\n').at(-1);
  return last ? JSON.parse(last).epoch === epochs : false;
}

function initialOf({ architecture }: Configuration, file: string): Uint8Array {
  const bytes = readGiven('init', file);
  if ('baseline' in architecture) return bytes;
  try {
    return initialFor(table1(architecture), bytes);
  } catch (cause) {
    throw new MienError('invalid_weights', `init ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** @throws {MienError} `invalid_data` where a file that a configuration names cannot be read */
export function readGiven(what: string, file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new MienError('invalid_data', `${what}: ${(cause as Error).message}`, { cause });
  }
}

/** Training pictures of a generated data set. */
const GENERATED = 112;

/** The packed data set that a run learns from: the one given, or the configuration's. */
export function dataOf(run: string, { data }: Configuration, given: string | undefined): string {
  if (given !== undefined || data !== 'generated') return given ?? data;
  const folder = join(run, 'data');
  if (!existsSync(folder)) writeDataSet(folder, 'generated', generatedFaces(GENERATED));
  return folder;
}
