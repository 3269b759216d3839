import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { z } from 'zod';
import { type Architecture, formatArchitecture, parseArchitecture } from '../../src/model/architecture.js';
import type { BackendName } from '../../src/model/backends/index.js';
import { MienError } from '../../src/model/errors.js';
import type { ModelFiles } from '../../src/model/model.js';
import { decodeSafetensors, encodeCompactSafetensors } from '../../src/model/weights.js';
import { main, npmCommand } from '../lib/command.js';
import { sha256, writeAtomically } from '../lib/files.js';
import { backendOption, DATA_OPTION } from '../lib/options.js';
import { refuseForeign, replaceFolder } from '../lib/own-folder.js';
import { readJson } from '../lib/read-json.js';
import { calibrate, fitCalibration, foldCalibration, logShares } from './calibrate.js';
import type { Split } from './data/fer2013.js';
import { type DataSet, type Index, readDataSet, rowsDigest, rowsOf } from './data/pack.js';
import type { Metrics } from './metrics.js';
import { type ModelMetrics, modelCard } from './model-card.js';
import { aboutSet } from './model-card-data.js';
import { isOther, learnedFrom, refuseOtherData } from './run-data.js';
import { joined, measureRows, score } from './scoring.js';
import { ratio, readTraining } from './training-record.js';

/** In every model's folder. */
const METRICS = 'metrics.json';

/** What a model is compared by with the one that it would replace. */
const published = z.looseObject({
  version: z.string(),
  splits: z.looseObject({ public: z.looseObject({ accuracy: ratio, loss: z.number() }) }),
});

/** The model that would be replaced; undefined where there is none. */
function readPublished(out: string): z.infer<typeof published> | undefined {
  const file = join(out, METRICS);
  return existsSync(file) ? readJson(published, file) : undefined;
}

/** A model is replaced by a later version of it, which can be compared with it: measured on the same pictures. */
function refuseOtherModel(out: string, version: string, data: string, index: Index): void {
  const before = readPublished(out);
  if (!before) return;
  if (isOther(learnedFrom(out), index))
    throw new MienError(
      'invalid_data',
      `not published: ${out} was measured on another data set than ${data} now holds: --out names another folder`,
    );
  if (version.localeCompare(before.version, 'en', { numeric: true }) <= 0)
    throw new MienError(
      'invalid_data',
      `not published: ${out} is ${before.version} already, so --version must be above it`,
    );
}

/** Better is what gives more right answers on PublicTest, or as many with scores that say more (less loss, to four digits). */
function refuseWorse(out: string, { accuracy, loss }: Metrics): void {
  const model = readPublished(out);
  if (!model) return;
  const { public: before } = model.splits;
  const less = Number(loss.toFixed(4)) < Number(before.loss.toFixed(4));
  if (accuracy < before.accuracy || (accuracy === before.accuracy && !less))
    throw new MienError(
      'invalid_data',
      `not published: PublicTest accuracy ${accuracy.toFixed(4)} is not above ${before.accuracy.toFixed(4)} of ${out}, ` +
        `nor as high with a loss (${loss.toFixed(4)}) below ${before.loss.toFixed(4)}`,
    );
}

/** PublicTest first: PrivateTest is not scored for weights that will not be published. */
async function measureSplits(
  model: ModelFiles,
  backend: BackendName,
  set: DataSet,
): Promise<ModelMetrics['splits']> {
  const scored = async (split: Split) => {
    const rows = rowsOf(set, split);
    return { rows, scores: await score(model, backend, set, rows) };
  };
  const [publicTest, privateTest] = [await scored('PublicTest'), await scored('PrivateTest')];
  return {
    public: measureRows(set, publicTest.rows, publicTest.scores),
    private: measureRows(set, privateTest.rows, privateTest.scores),
    test: measureRows(
      set,
      [...publicTest.rows, ...privateTest.rows],
      joined(publicTest.scores, privateTest.scores),
    ),
  };
}

/** The model as it is stored, its scores calibrated on PublicTest, which its weights were chosen on too. */
async function calibrated(
  raw: ModelFiles,
  arch: Architecture,
  { set, out, backend }: { set: DataSet; out: string; backend: BackendName },
) {
  const rows = rowsOf(set, 'PublicTest');
  const exact = decodeSafetensors(raw.weights);
  const scores = await score({ ...raw, weights: encodeCompactSafetensors(exact) }, backend, set, rows);
  const shares = logShares(set);
  const calibration = fitCalibration(
    scores,
    rows.map((row) => set.labels[row] as number),
    shares,
  );
  const shown = measureRows(set, rows, calibrate(scores, calibration, shares));
  refuseWorse(out, shown);
  const { temperature, prior, smoothing } = calibration;
  console.log(
    `PublicTest ${shown.accuracy.toFixed(4)}, temperature ${temperature.toFixed(3)}, prior ${prior.toFixed(2)}, ` +
      `smoothing ${smoothing}`,
  );
  const weights = encodeCompactSafetensors(foldCalibration(exact, arch, calibration, shares));
  const architecture: Architecture = smoothing > 0 ? { ...arch, smoothing } : arch;
  return { model: { ...raw, architecture, weights }, architecture, calibration };
}

/** Reads a model's version: three numbers, as in semantic versioning. */
function threeNumbers(value: string): string {
  if (!/^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}$/.test(value))
    throw new InvalidArgumentError('It is no version such as 1.2.3.');
  return value;
}

const command = npmCommand('publish-model')
  .description(
    "Publishes a run's best weights if they are better on PublicTest than those published. PrivateTest is scored here, once, after the weights have been chosen.",
  )
  .requiredOption('--run <folder>', 'the run')
  .requiredOption('--version <x.y.z>', "the model's version", threeNumbers)
  .option(...DATA_OPTION, 'data/fer2013')
  .option('--out <folder>', "the model's folder, named as it will be", 'models/mien-v1')
  .addOption(backendOption('what scores it'));

/** @throws {MienError} `invalid_data` where a run has none */
function bestWeights(run: string): Uint8Array {
  const file = join(run, 'best.safetensors');
  if (!existsSync(file))
    throw new MienError('invalid_data', `${run} has no best.safetensors: no epoch at its side has ended yet`);
  return new Uint8Array(readFileSync(file));
}

async function publish(options: ReturnType<typeof command.opts>): Promise<void> {
  const { run, data, version, backend } = options;
  // A slash at the end would put what is written beside into the folder that is replaced.
  const out = resolve(options.out);
  refuseForeign(out, METRICS);
  const learned = parseArchitecture(readJson(z.unknown(), join(run, 'architecture.json')));
  const weights = bestWeights(run);
  const { index, ...set } = readDataSet(data);
  refuseOtherData(run, data, index);
  refuseOtherModel(out, version, data, index);
  const raw: ModelFiles = { name: basename(out), version, architecture: learned, weights };
  const { model, architecture, calibration } = await calibrated(raw, learned, { set, out, backend });
  const metrics: ModelMetrics = {
    name: model.name,
    version,
    weights: sha256(model.weights),
    backend,
    ...calibration,
    splits: await measureSplits(model, backend, set),
    training: {
      data: index.images,
      rows: rowsDigest(index),
      dataName: index.name,
      set: aboutSet(set),
      ...readTraining(run),
    },
  };

  // The folder is made whole beside the old one, so that a reader never sees files of two models.
  await replaceFolder(out, async (beside) => {
    writeAtomically(join(beside, 'architecture.json'), formatArchitecture(architecture));
    writeAtomically(join(beside, 'weights.safetensors'), model.weights);
    writeAtomically(join(beside, METRICS), `${JSON.stringify(metrics, null, 1)}\n`);
    writeAtomically(join(beside, 'MODEL_CARD.md'), modelCard(metrics, architecture));
  });
  const { public: shown, test } = metrics.splits;
  console.log(
    `${options.out} ${version}: PublicTest ${shown.accuracy.toFixed(4)}, all ${test.count} test images ${test.accuracy.toFixed(4)}`,
  );
}

main(command.action(publish));
