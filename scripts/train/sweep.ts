import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import pMap from 'p-map';
import { MienError } from '../../src/model/errors.js';
import { main, npmCommand } from '../lib/command.js';
import { writeAtomically } from '../lib/files.js';
import { DATA_OPTION, engineOption, positive } from '../lib/options.js';
import { readIndex } from './data/pack.js';
import { torchCommand, trainByTorch } from './engines/torch.js';
import { hold } from './hold.js';
import { dataOf, type Engine, finished, prepareRun } from './run.js';
import { refuseOtherData } from './run-data.js';
import { readSweep, type Sweep, type SweepRun } from './sweep-file.js';
import { type RowMetrics, rowMetrics } from './sweep-metrics.js';

interface Options {
  out: string;
  data: string | undefined;
  engine: Engine;
  /** Runs beside each other. */
  jobs: number;
  dry: boolean;
}

async function train({ name, configuration }: SweepRun, options: Options): Promise<void> {
  const { out, engine, jobs, dry } = options;
  const run = join(out, name);
  const release = hold(run);
  let data: string;
  try {
    prepareRun(run, configuration, { engine, resume: true, letFinished: true });
    data = dataOf(run, configuration, options.data);
    if (finished(run, configuration)) {
      // It may have been trained on another machine, which alone has the data.
      if (existsSync(data)) refuseOtherData(run, data, readIndex(data));
      return;
    }
    if (engine === 'tfjs' && !dry) {
      const { trainRun } = await import('./engines/tfjs/train.js'); // tfjs takes a second to load
      return await trainRun({ run, data, backend: 'wasm', checkpointSeconds: 60 });
    }
  } finally {
    release();
  }
  const torch = { run, data, processes: 1, more: [] };
  if (dry) console.log(`python ${torchCommand(torch).join(' ')}`);
  else await trainByTorch(torch, jobs > 1 ? { name, threads: threadsOf(jobs) } : undefined);
}

/** A job's share of the cores. */
const threadsOf = (jobs: number) => Math.max(1, Math.floor(availableParallelism() / jobs));

/**
 * Trains all, a pupil after the teachers that stand before it. A run that fails leaves the others to end.
 * @throws {MienError} the first that failed
 */
async function trainAll(runs: SweepRun[], options: Options): Promise<void> {
  const trained = new Map<string, Promise<void>>();
  const begin = (run: SweepRun) => {
    const teachers = run.configuration.distillation?.teachers ?? [];
    const training = Promise.all(teachers.map((teacher) => trained.get(teacher))).then(() =>
      train(run, options),
    );
    trained.set(join(options.out, run.name), training);
    return training;
  };
  try {
    await pMap(runs, begin, { concurrency: options.jobs, stopOnError: false });
  } catch (failed) {
    throw failed instanceof AggregateError ? failed.errors[0] : failed;
  }
}

/** The rows that are asked for, with as many of their seeds, and those that are done: a row's metrics are of all it has. */
function chosen(sweep: Sweep, out: string, only: string | undefined, seeds = Infinity): Sweep['rows'] {
  const names = only?.split(',');
  const unknown = names?.filter((name) => sweep.rows.every((row) => row.name !== name)) ?? [];
  if (unknown.length > 0)
    throw new MienError('invalid_data', `${sweep.name} has no row ${unknown.join(', ')}`);
  const wanted = ({ name, configuration }: SweepRun, at: number) =>
    at < seeds || finished(join(out, name), configuration);
  return sweep.rows
    .filter(({ name }) => names?.includes(name) ?? true)
    .map((row) => ({ ...row, runs: row.runs.filter(wanted) as typeof row.runs }));
}

function summary({ seeds, seconds, latency }: RowMetrics): string {
  const mean = (name: 'publicAccuracy' | 'publicRecall') =>
    (seeds.reduce((sum, seed) => sum + seed[name], 0) / seeds.length).toFixed(4);
  const ratio = latency ? `, latency ×${latency.ratio.toFixed(2)}` : '';
  return `PublicTest ${mean('publicAccuracy')}, macro recall ${mean('publicRecall')}, ${seconds} s${ratio}`;
}

const command = npmCommand('sweep')
  .description(
    'Trains the rows of a sweep, and writes a metrics file for each. It can be stopped at any moment and called again: rows that are done are not done again, one that was cut short goes on.',
  )
  .requiredOption('--file <file>', 'the sweep, such as scripts/train/sweeps/recipes.json')
  .option('--out <folder>', "where the runs and the metrics files lie (default: runs/, and the file's name)")
  .option('--only <rows>', 'train these rows alone, by their names with commas between')
  .option(
    '--seeds <n>',
    "train so many of a row's seeds (default: all); its figures are of those that are done too",
    positive,
  )
  .option(...DATA_OPTION)
  .addOption(engineOption().default('torch' as const))
  .option(
    '--jobs <n>',
    "runs beside each other, by the torch engine, which share the CPU's cores",
    positive,
    1,
  )
  .option('--quick', 'try every row for a few steps on generated faces')
  .option('--dry-run', "prepare all runs and print the torch engine's commands, for a machine without Node")
  .addHelpText(
    'after',
    '\nAfter --dry-run and those commands, called again without it, it writes the metrics files.',
  );

async function sweepAll(values: ReturnType<typeof command.opts>): Promise<void> {
  const { file, only, seeds, data, engine, jobs, quick = false, dryRun: dry = false } = values;
  const name = basename(file, '.json');
  const out = values.out ?? join('runs', quick ? `${name}-quick` : name);
  const sweep = readSweep(file, out, quick);
  const options: Options = { out, data, engine, jobs, dry };
  if (engine === 'tfjs' && jobs > 1)
    throw new MienError('invalid_data', '--jobs is an option of the torch engine');
  const rows = chosen(sweep, out, only, seeds);
  const runs = rows.flatMap((row) => row.runs);
  await trainAll(runs, options);
  if (dry) return;
  const { measureLatencies } = await import('./sweep-latency.js');
  const latencies = await measureLatencies(rows, sweep, out);
  for (const row of rows) {
    const metrics = rowMetrics(row, out, latencies.get(row.name) ?? null);
    const place = join(out, `${row.name}.json`);
    writeAtomically(place, `${JSON.stringify(metrics, null, 1)}\n`);
    console.log(`${place}: ${summary(metrics)}`);
  }
}

main(command.action(sweepAll));
