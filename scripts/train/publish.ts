/**
 * Publishes a run's best weights if they are better on PublicTest than those published:
 * npm run publish-model -- --run runs/cpu --data data/fer2013 --version 1.0.0 [--out models/mien-v1]
 *
 * PrivateTest is scored here, once, after the weights have been chosen.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseArchitecture } from '../../src/model/architecture.js';
import { MienError } from '../../src/model/errors.js';
import type { ModelFiles } from '../../src/model/model.js';
import { sha256, writeAtomically } from '../lib/files.js';
import { main } from '../lib/main.js';
import { type DataSet, readDataSet, rowsOf } from './data/pack.js';
import { type ModelMetrics, modelCard } from './model-card.js';
import { measureRows, score } from './scoring.js';

/** The backend that every runtime has. */
const BACKEND = 'wasm';

const readJson = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

function refuseWorse(out: string, accuracy: number): void {
  const file = join(out, 'metrics.json');
  if (!existsSync(file)) return;
  const published = (readJson(file) as ModelMetrics).splits.public.accuracy;
  if (accuracy <= published)
    throw new MienError(
      'invalid_data',
      `not published: PublicTest accuracy ${accuracy.toFixed(4)} is not above ${published.toFixed(4)} of ${out}`,
    );
}

/** PublicTest first: PrivateTest is not scored for weights that will not be published. */
async function measureSplits(model: ModelFiles, set: DataSet, out: string): Promise<ModelMetrics['splits']> {
  const [publicRows, privateRows] = [rowsOf(set, 'PublicTest'), rowsOf(set, 'PrivateTest')];
  const publicScores = await score(model, BACKEND, set, publicRows);
  const publicTest = measureRows(set, publicRows, publicScores);
  refuseWorse(out, publicTest.accuracy);
  const privateScores = await score(model, BACKEND, set, privateRows);
  return {
    public: publicTest,
    private: measureRows(set, privateRows, privateScores),
    test: measureRows(
      set,
      [...publicRows, ...privateRows],
      Float32Array.of(...publicScores, ...privateScores),
    ),
  };
}

/** What the run's folder says of how the weights were made. */
function describeTraining(run: string, data: string): ModelMetrics['training'] {
  const history = readFileSync(join(run, 'history.jsonl'), 'utf8').trim().split('\n');
  return {
    data,
    commit: readFileSync(join(run, 'commit.txt'), 'utf8').trim(),
    config: readJson(join(run, 'config.json')),
    history: history.map((line) => JSON.parse(line)),
  };
}

main(async () => {
  const { values } = parseArgs({
    options: {
      run: { type: 'string' },
      data: { type: 'string', default: 'data/fer2013' },
      version: { type: 'string' },
      out: { type: 'string', default: 'models/mien-v1' },
    },
  });
  const { run, data, version, out } = values;
  if (!run || !version)
    throw new MienError(
      'invalid_data',
      'usage: publish-model --run FOLDER --version X.Y.Z [--data FOLDER] [--out FOLDER]',
    );
  const weights = new Uint8Array(readFileSync(join(run, 'best.safetensors')));
  const architecture = parseArchitecture(readJson(join(run, 'architecture.json')));
  const model: ModelFiles = { name: basename(out), version, architecture, weights };
  const { index, ...set } = readDataSet(data);
  const metrics: ModelMetrics = {
    name: model.name,
    version,
    weights: sha256(weights),
    backend: BACKEND,
    splits: await measureSplits(model, set, out),
    training: describeTraining(run, index.images),
  };

  // The folder is made whole beside the old one, so that a reader never sees files of two models.
  const beside = `${out}.${process.pid}.part`;
  mkdirSync(beside, { recursive: true });
  try {
    copyFileSync(join(run, 'architecture.json'), join(beside, 'architecture.json'));
    copyFileSync(join(run, 'best.safetensors'), join(beside, 'weights.safetensors'));
    writeAtomically(join(beside, 'metrics.json'), `${JSON.stringify(metrics, null, 1)}\n`);
    writeAtomically(join(beside, 'MODEL_CARD.md'), modelCard(metrics, architecture));
    rmSync(out, { recursive: true, force: true });
    renameSync(beside, out);
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
  const { public: shown, test } = metrics.splits;
  console.log(
    `${out} ${version}: PublicTest ${shown.accuracy.toFixed(4)}, all 7178 ${test.accuracy.toFixed(4)}`,
  );
});
