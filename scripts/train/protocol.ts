/**
 * Runs a protocol from data to figures:
 * npm run protocol -- NAME --data FOLDER --config FILE [--run runs/NAME] [--resume] [--trial] [--json FILE]
 *   [--engine torch|tfjs] [--backend wasm|node|node-gpu]
 * npm run protocol -- zero-shot --data FOLDER [--model models/mien-v1] [--json FILE]
 *
 * Every fold is a run of `npm run train` in a folder of its own, and is scored as served. With --resume, folds that are done
 * are not done again, and one that was cut short goes on. The figures go to --json, or metrics.json in the run's folder.
 */
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { BACKEND_NAMES } from '../../src/model/backends/index.js';
import { MienError } from '../../src/model/errors.js';
import { main } from '../lib/main.js';
import { Progress } from '../lib/progress.js';
import { AS_LEARNED } from './calibrate.js';
import { readConfiguration } from './config.js';
import { type DataSet, readDataSet } from './data/pack.js';
import { formatMetrics } from './metrics.js';
import { type MetricsFile, writeMetricsFile } from './metrics-files.js';
import { oneOf } from './options.js';
import { PROTOCOLS, type ProtocolName } from './protocols/index.js';
import type { Protocol } from './protocols/protocol.js';
import { claim, type Given, runFold, type TrainOptions } from './protocols/run.js';
import { metricsOf, type Tested, testedRows } from './protocols/tested.js';
import { cutToTrial } from './protocols/trial.js';
import { openSubject, type Subject, scoreRows } from './subject.js';

const USAGE = `usage: protocol NAME --data FOLDER --config FILE [--run FOLDER] [--resume] [--trial] [--json FILE]
       protocol zero-shot --data FOLDER [--model FOLDER] [--json FILE]
NAME is one of ${Object.keys(PROTOCOLS).join(', ')}`;

async function trainAndTest(
  name: ProtocolName,
  given: Given,
  { run, resume, trial }: { run: string; resume: boolean; trial: boolean },
  options: TrainOptions,
) {
  const protocol: Protocol = PROTOCOLS[name];
  const all = protocol.folds?.(given.set, readConfiguration(options.config).seed) ?? [];
  const folds = trial ? cutToTrial(all) : all;
  claim(run, folds, { protocol: name, trial, data: given.index, options }, resume);
  const progress = new Progress(name, folds.length);
  const done: { subject: Subject; tested: Tested }[] = [];
  for (const fold of folds) {
    done.push(await runFold(fold, protocol.parts, join(run, fold.name), given, options));
    progress.update(done.length, fold.name);
  }
  const [{ subject }] = done as [(typeof done)[0]];
  return { subject, tested: done.map(({ tested }) => tested) };
}

/** Scores every picture by weights that are given. */
async function testOnly({ parts }: Protocol, { set }: Given, folder: string) {
  const subject = await openSubject(folder, 'wasm');
  // None of these pictures has taught or chosen anything.
  const all: DataSet = { ...set, splits: new Uint8Array(set.splits.length).fill(2) };
  const rows = testedRows(parts, all);
  const scores = await scoreRows(subject, all, rows, 'none');
  const { weights, calibrated } = subject;
  const calibration = calibrated ? null : AS_LEARNED;
  const tested: Tested[] = [{ name: 'all', set: all, rows, scores, calibration, weights }];
  return { subject, tested };
}

function say(metrics: MetricsFile, file: string): void {
  for (const result of metrics.results) console.log(`${result.on}\n${formatMetrics(result)}\n`);
  const { mean, deviation } = metrics.accuracy;
  if (deviation !== null)
    console.log(`folds: accuracy ${mean.toFixed(4)} ± ${deviation.toFixed(4)} (standard deviation)`);
  if (metrics.protocol.leaks) console.log(`leaks: ${metrics.protocol.leaks}`);
  if (metrics.trial) console.log('a trial: too few pictures for figures that mean anything');
  console.log(file);
}

main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      config: { type: 'string' },
      model: { type: 'string', default: 'models/mien-v1' },
      run: { type: 'string' },
      json: { type: 'string' },
      resume: { type: 'boolean', default: false },
      trial: { type: 'boolean', default: false },
      engine: { type: 'string', default: 'torch' },
      backend: { type: 'string', default: 'wasm' },
    },
  });
  const [given = ''] = positionals;
  if (!values.data || !Object.hasOwn(PROTOCOLS, given)) throw new MienError('invalid_data', USAGE);
  const name = given as ProtocolName;
  const protocol: Protocol = PROTOCOLS[name];
  if (protocol.folds && !values.config) throw new MienError('invalid_data', USAGE);
  const { index, ...set } = readDataSet(values.data);
  if (!protocol.data.includes(index.name))
    throw new MienError(
      'invalid_data',
      `${name} is for ${protocol.data.join(' or ')}; ${values.data} holds ${index.name}`,
    );
  const data: Given = { folder: values.data, set, index };
  const { trial, resume, model, run = join('runs', name) } = values;
  const options: TrainOptions = {
    config: values.config ?? '',
    engine: oneOf('engine', values.engine, ['torch', 'tfjs']),
    backend: oneOf('backend', values.backend, BACKEND_NAMES),
  };
  const { subject, tested } = protocol.folds
    ? await trainAndTest(name, data, { run, resume, trial }, options)
    : await testOnly(protocol, data, model);
  const metrics = metricsOf({
    subject,
    name: protocol.folds ? basename(run) : subject.name,
    protocol: { name, about: protocol.about, leaks: protocol.leaks },
    parts: protocol.parts,
    index,
    tta: 'none',
    trial,
    folds: tested,
  });
  const file = values.json ?? join(run, 'metrics.json');
  writeMetricsFile(file, metrics);
  say(metrics, file);
});
