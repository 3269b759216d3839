import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageRoot } from '../src/assets/node.js';
import { parseArchitecture } from '../src/model/architecture.js';
import { networkCost } from '../src/model/cost.js';
import { MienError } from '../src/model/errors.js';
import { DATA, measureOn } from './bench/accuracy.js';
import { PUBLISHED } from './bench/inference.js';
import { takeTurns } from './bench/race.js';
import { writeRandomModel } from './bench/random-model.js';
import { SubjectProcess, type Turn } from './bench/subject-process.js';
import { main, npmCommand } from './lib/command.js';
import { writeAtomically } from './lib/files.js';
import { sampleCrops } from './lib/sample-crops.js';
import { median } from './lib/statistics.js';
import { type Model, readPublished } from './report/inputs.js';
import { type DataSet, readDataSet, rowsOf } from './train/data/pack.js';
import { readSweepFolder, type SweepRow } from './train/metrics-files.js';

const ROWS = join(packageRoot(), 'docs', 'metrics', 'sweeps', 'frontier');
const MODELS = dirname(PUBLISHED);
const OTHERS = ['face-api', 'human'] as const;
const TURNS = { crops: 8, rounds: 21, milliseconds: 200 };

/** A row, and the process that computes its network. */
interface Contestant {
  row: SweepRow;
  subject: SubjectProcess;
}

/** A published model as a row; what it was trained with is in its own metrics. */
function publishedRow({ title, metrics, arch }: Model): SweepRow {
  const { accuracy, macroRecall } = metrics.splits.public;
  const seeds = [{ seed: metrics.training.config.seed, publicAccuracy: accuracy, publicRecall: macroRecall }];
  const { parameters, macs } = networkCost(arch);
  return {
    name: title,
    changes: {},
    architecture: arch,
    engine: null,
    parameters,
    macs,
    latency: null,
    seeds,
  };
}

async function otherRow(name: (typeof OTHERS)[number], set: DataSet): Promise<SweepRow> {
  const { accuracy, macroRecall } = await measureOn(name, set, rowsOf(set, 'PublicTest'));
  const unknown = { architecture: null, engine: null, parameters: null, macs: null };
  const seeds = [{ seed: 0, publicAccuracy: accuracy, publicRecall: macroRecall }];
  return { name, changes: {}, ...unknown, latency: null, seeds };
}

/** Starts all, one after another; the model that is served by default is the first, since ratios are to it. */
async function* contestants(folder: string): AsyncGenerator<Contestant> {
  const start = async (row: SweepRow, model: string): Promise<Contestant> => ({
    row,
    subject: await SubjectProcess.start('plan', model),
  });
  for (const model of readPublished(packageRoot()))
    yield start(publishedRow(model), join(MODELS, model.metrics.name));
  for (const row of readSweepFolder(ROWS).filter(({ config }) => config)) {
    const model = join(folder, row.name);
    writeRandomModel(model, parseArchitecture(row.architecture));
    yield start(row, model);
  }
  const set = readDataSet(DATA);
  for (const name of OTHERS) {
    console.log(`PublicTest by ${name}`);
    yield { row: await otherRow(name, set), subject: await SubjectProcess.start(name, PUBLISHED) };
  }
}

const command = npmCommand('frontier').description(
  'Accuracy against milliseconds, for docs/REPORT.md: times our networks in docs/metrics/sweeps/frontier (rows of the sweep of that name) in turns with the published models and with what users could pick instead, and writes them there again with their latency, and a row for each of the others, with its accuracy on PublicTest. npm run setup:bench installs what mien is compared with.',
);

async function measure(): Promise<void> {
  if (!existsSync(DATA))
    throw new MienError('invalid_data', `${DATA} is absent: npm run prepare-data packs FER2013 there.`);
  const folder = mkdtempSync(join(tmpdir(), 'mien-frontier-'));
  const all: Contestant[] = [];
  try {
    for await (const one of contestants(folder)) all.push(one);
    const { crops, ...turns } = TURNS;
    const subjects = all.map(({ subject }) => subject);
    const taken = await takeTurns(subjects, { crops: sampleCrops(crops, DATA), ...turns });
    const first = taken.get(subjects[0] as SubjectProcess) as Turn[];
    for (const { row, subject } of all) {
      const own = taken.get(subject) as Turn[];
      const milliseconds = median(own.map(({ ms }) => ms));
      const ratio = median(own.map(({ ms }, round) => ms / (first[round] as Turn).ms));
      const measured: SweepRow = { ...row, latency: { milliseconds, ratio } };
      const [file] = row.name.split(' ');
      writeAtomically(join(ROWS, `${file}.json`), `${JSON.stringify(measured, null, 1)}\n`);
      console.log(`${row.name}: ${milliseconds.toFixed(1)} ms, ×${ratio.toFixed(2)}`);
    }
  } finally {
    for (const { subject } of all) subject.stop();
    rmSync(folder, { recursive: true });
  }
}

main(command.action(measure));
