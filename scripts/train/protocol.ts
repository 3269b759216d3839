import { basename, join } from 'node:path';
import { Argument } from '@commander-js/extra-typings';
import { MienError } from '../../src/model/errors.js';
import { main, npmCommand } from '../lib/command.js';
import { backendAsked, backendOption, DATA_OPTION, engineOption, refuseOptionsOf } from '../lib/options.js';
import { Progress } from '../lib/progress.js';
import { AS_LEARNED } from './calibrate.js';
import { readConfiguration } from './config.js';
import { type DataSet, readDataSet } from './data/pack.js';
import { hold } from './hold.js';
import { formatMetrics } from './metrics.js';
import { type MetricsFile, writeMetricsFile } from './metrics-files.js';
import { PROTOCOLS, type ProtocolName } from './protocols/index.js';
import type { Protocol } from './protocols/protocol.js';
import { claim, type Given, runFold, type TrainOptions } from './protocols/run.js';
import { metricsOf, type Tested, testedRows } from './protocols/tested.js';
import { cutToTrial } from './protocols/trial.js';
import { zeroShotLeaks } from './protocols/zero-shot.js';
import { learnedFrom } from './run-data.js';
import { openSubject, type Subject, scoreRows } from './subject.js';

async function trainAndTest(
  name: ProtocolName,
  given: Given,
  { run, resume, trial }: { run: string; resume: boolean; trial: boolean },
  options: TrainOptions,
) {
  const protocol: Protocol = PROTOCOLS[name];
  const all = protocol.folds?.(given.set, readConfiguration(options.config).seed) ?? [];
  const folds = trial ? cutToTrial(all) : all;
  hold(run);
  claim(run, folds, { protocol: name, trial, data: given.index, options }, resume);
  const progress = new Progress(name, folds.length);
  const done: { subject: Subject; tested: Tested }[] = [];
  for (const fold of folds) {
    done.push(await runFold(fold, protocol.parts, join(run, fold.name), given, options));
    progress.update(done.length, fold.name);
  }
  const [{ subject }] = done as [(typeof done)[0]];
  return { subject, tested: done.map(({ tested }) => tested), leaks: protocol.leaks };
}

/** Scores every picture by weights that are given. */
async function testOnly({ parts }: Protocol, { set, index }: Given, folder: string) {
  const leaks = zeroShotLeaks(learnedFrom(folder), index);
  const subject = await openSubject(folder, 'wasm');
  // None of these pictures has taught or chosen anything.
  const all: DataSet = { ...set, splits: new Uint8Array(set.splits.length).fill(2) };
  const rows = testedRows(parts, all);
  const scores = await scoreRows(subject, all, rows, 'none');
  const { weights, calibrated } = subject;
  const calibration = calibrated ? null : AS_LEARNED;
  const tested: Tested[] = [{ name: 'all', set: all, rows, scores, calibration, weights }];
  return { subject, tested, leaks };
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

const command = npmCommand('protocol')
  .description(
    'Runs a protocol from data to figures. Every fold is a run of its own, as of npm run train, and is scored as served.',
  )
  .addArgument(
    new Argument('<protocol>', 'what is trained and measured on what').choices(
      Object.keys(PROTOCOLS) as ProtocolName[],
    ),
  )
  .requiredOption(...DATA_OPTION)
  .option('--json <file>', "where the figures go (default: metrics.json in the run's folder)")
  .optionsGroup('Options of zero-shot, which trains nothing:')
  .option('--model <folder>', 'the model', 'models/mien-v1')
  .optionsGroup('Options of all others:')
  .option('--config <file>', 'what to train; they need it')
  .option(
    '--run <folder>',
    "where the folds' runs lie (default: runs/, and the protocol's name; a trial's ends in -trial)",
  )
  .option('--resume', 'leave folds that are done, and go on with one that was cut short')
  .option('--trial', 'try it: few folds of few pictures, for figures that mean nothing')
  .addOption(engineOption().default('torch' as const))
  .addOption(backendOption('what the tfjs engine computes on'));

/** @throws {MienError} where options are asked for that would change nothing */
function refuseOthersOptions(name: ProtocolName, trains: boolean): void {
  const others = trains
    ? (['model'] as const)
    : (['config', 'resume', 'trial', 'engine', 'backend'] as const);
  const asked = others.filter((option) => command.getOptionValueSource(option) === 'cli');
  if (asked.length === 0) return;
  const names = asked.map((option) => `--${option}`).join(', ');
  throw new MienError(
    'invalid_data',
    trains
      ? `${names}: zero-shot has that, not ${name}, whose configuration names the weights to begin with, init`
      : `${names}: protocols that train have that, not ${name}`,
  );
}

async function runProtocol(name: ProtocolName, values: ReturnType<typeof command.opts>): Promise<void> {
  const protocol: Protocol = PROTOCOLS[name];
  refuseOthersOptions(name, protocol.folds !== null);
  refuseOptionsOf('tfjs', backendAsked(command), values.engine);
  if (protocol.folds && !values.config)
    throw new MienError('invalid_data', `${name} trains: --config says what`);
  const { index, ...set } = readDataSet(values.data);
  if (!protocol.data.includes(index.name))
    throw new MienError(
      'invalid_data',
      `${name} is for ${protocol.data.join(' or ')}; ${values.data} holds ${index.name}`,
    );
  const data: Given = { folder: values.data, set, index };
  const { trial = false, resume = false, model } = values;
  const run = values.run ?? join('runs', trial ? `${name}-trial` : name);
  const options: TrainOptions = {
    config: values.config ?? '',
    engine: values.engine,
    backend: values.backend,
  };
  const { subject, tested, leaks } = protocol.folds
    ? await trainAndTest(name, data, { run, resume, trial }, options)
    : await testOnly(protocol, data, model);
  const metrics = metricsOf({
    subject,
    name: protocol.folds ? basename(run) : subject.name,
    protocol: { name, about: protocol.about, leaks },
    parts: protocol.parts,
    index,
    tta: 'none',
    trial,
    folds: tested,
  });
  const file = values.json ?? join(run, 'metrics.json');
  writeMetricsFile(file, metrics);
  say(metrics, file);
}

main(command.action(runProtocol));
