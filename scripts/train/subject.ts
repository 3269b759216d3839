import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { loadModel } from '../../src/assets/node-model.js';
import { parseArchitecture } from '../../src/model/architecture.js';
import type { BackendName } from '../../src/model/backends/index.js';
import { networkCost } from '../../src/model/cost.js';
import { MienError } from '../../src/model/errors.js';
import { LABELS } from '../../src/model/labels.js';
import { decodeSafetensors, encodeCompactSafetensors } from '../../src/model/weights.js';
import { sha256 } from '../lib/files.js';
import { readJson } from '../lib/read-json.js';
import { scoreByTorch } from '../lib/torch-scores.js';
import { type Calibration, calibrate, fitCalibration, logShares } from './calibrate.js';
import { cropsOf, type DataSet } from './data/pack.js';
import type { MetricsFile } from './metrics-files.js';
import { scoreByPlan } from './scoring.js';
import { readTraining, type Training, trainingRecord } from './training-record.js';
import { type Tta, views } from './tta.js';

/** A network with weights that is to be measured: a published model, or a run's best weights. */
export interface Subject
  extends Pick<MetricsFile, 'name' | 'version' | 'scored' | 'architecture' | 'cost' | 'training'> {
  /** SHA-256 of the weights file. */
  weights: string;
  /** A published model's calibration is in its weights; a run's is still to be fitted. */
  calibrated: boolean;
  /** uint8 [n, 48, 48] → float32 [n, 7]. */
  score(crops: Uint8Array): Promise<Float32Array>;
}

/** A run's weights are `best.safetensors`, a published model's `weights.safetensors`. */
const BEST = 'best.safetensors';

/**
 * Opens a run's folder or a published model's. Networks of ours are scored through the plan as served, rounded as
 * publishing rounds them; those that the paper compares with have no plan, and torch scores them in float32.
 * @throws {MienError} where the folder is neither
 */
export async function openSubject(folder: string, backend: BackendName): Promise<Subject> {
  const run = existsSync(join(folder, BEST));
  if (!run && !existsSync(join(folder, 'weights.safetensors')))
    throw new MienError('invalid_data', `${folder} is neither a published model nor a run with ${BEST}`);
  const architecture = readJson(z.looseObject({}), join(folder, 'architecture.json'));
  if ('baseline' in architecture) return openBaseline(folder, architecture);
  const model = run
    ? { name: nameOf(folder), version: '', architecture, weights: rounded(folder) }
    : await loadModel(folder);
  const cost = networkCost(parseArchitecture(architecture));
  return {
    name: model.name,
    version: run ? null : model.version,
    weights: sha256(run ? readFileSync(join(folder, BEST)) : model.weights),
    calibrated: !run,
    architecture,
    cost: { parameters: cost.parameters, macs: cost.macs },
    training: run ? readTraining(folder) : publishedTraining(folder),
    scored: { by: 'plan', on: backend, precision: 'float32, large kernels stored as int8' },
    score: (crops) => scoreByPlan(model, backend, crops),
  };
}

const nameOf = (folder: string) => basename(resolve(folder));

const rounded = (run: string) => encodeCompactSafetensors(decodeSafetensors(readFileSync(join(run, BEST))));

function openBaseline(folder: string, architecture: Record<string, unknown>): Subject {
  const file = join(folder, BEST);
  const bytes = readFileSync(file);
  const parameters = [...decodeSafetensors(bytes)]
    .filter(([name]) => !name.includes('.running_'))
    .reduce((sum, [, { data }]) => sum + data.length, 0);
  const training = readTraining(folder);
  return {
    name: nameOf(folder),
    version: null,
    weights: sha256(bytes),
    calibrated: false,
    architecture,
    // Its layers are the torch engine's alone, which counts their work.
    cost: { parameters, macs: training.engine?.macs ?? null },
    training,
    scored: { by: 'torch', on: 'cpu', precision: 'float32' },
    score: (crops) => scoreByTorch({ architecture: join(folder, 'architecture.json'), weights: file }, crops),
  };
}

/** A published model has its training in its metrics. */
function publishedTraining(folder: string): Training | null {
  const { training } = readJson(
    z.looseObject({ training: trainingRecord.optional() }),
    join(folder, 'metrics.json'),
  );
  return training ?? null;
}

/** Scores rows of a data set, averaged over the views: float32 [n, 7]. */
export async function scoreRows(
  subject: Subject,
  set: DataSet,
  rows: number[],
  tta: Tta,
): Promise<Float32Array> {
  const scored: Float32Array[] = [];
  for (const view of views(cropsOf(set.images, rows), tta)) scored.push(await subject.score(view));
  const [first, ...others] = scored as [Float32Array, ...Float32Array[]];
  if (others.length === 0) return first;
  return first.map(
    (value, at) => others.reduce((sum, own) => sum + (own[at] as number), value) / scored.length,
  );
}

/**
 * Scores rows as publishing would: a run's scores are calibrated on PublicTest.
 * @param fitting rows of PublicTest that the calibration is fitted on
 */
export async function scoreCalibrated(
  subject: Subject,
  set: DataSet,
  { rows, fitting, tta }: { rows: number[]; fitting: number[]; tta: Tta },
): Promise<{ scores: Float32Array; calibration: Calibration | null }> {
  if (subject.calibrated) return { scores: await scoreRows(subject, set, rows, tta), calibration: null };
  // No face is scored twice, though PublicTest may be what is measured.
  const needed = [...new Set([...rows, ...fitting])];
  const scores = await scoreRows(subject, set, needed, tta);
  const places = new Map(needed.map((row, at) => [row, at]));
  const of = (wanted: number[]) =>
    Float32Array.from(
      wanted.flatMap((row) => {
        const at = (places.get(row) as number) * LABELS.length;
        return [...scores.subarray(at, at + LABELS.length)];
      }),
    );
  const shares = logShares(set);
  const calibration = fitCalibration(
    of(fitting),
    fitting.map((row) => set.labels[row] as number),
    shares,
  );
  return { scores: calibrate(of(rows), calibration, shares), calibration };
}
