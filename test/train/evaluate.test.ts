/** Evaluating as a command: a published model, a run of ours, a run of a network that only torch knows. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../scripts/lib/files.js';
import { findPython, TORCH_ENGINE } from '../../scripts/lib/python.js';
import { readJson } from '../../scripts/lib/read-json.js';
import { baseline, formatBaseline } from '../../scripts/train/baseline.js';
import { calibrate, fitCalibration, logShares } from '../../scripts/train/calibrate.js';
import { generatedFaces } from '../../scripts/train/data/generated.js';
import { cropsOf, readDataSet, rowsOf, writeDataSet } from '../../scripts/train/data/pack.js';
import { measure } from '../../scripts/train/metrics.js';
import { metricsFile } from '../../scripts/train/metrics-files.js';
import { score } from '../../scripts/train/scoring.js';
import { formatArchitecture } from '../../src/model/architecture.js';
import { table1 } from '../../src/model/table1.js';
import { encodeCompactSafetensors, encodeSafetensors } from '../../src/model/weights.js';
import { livelyWeights } from '../support/networks.js';
import { untrainedFolder } from '../support/untrained.js';

const python = findPython();
if (!python)
  console.warn('skipped: evaluating baselines; no Python has torch (npm run setup:torch installs it)');

const folder = mkdtempSync(join(tmpdir(), 'mien-evaluate-'));
const data = join(folder, 'data');
const untrained = untrainedFolder();
afterAll(() => {
  untrained.remove();
  rmSync(folder, { recursive: true });
});

const arch = table1({ side: 16 });
const weights = livelyWeights(arch);
const EPOCH = { epoch: 1, step: 7, side: 16, loss: 2, publicAccuracy: 0.1, publicLoss: 2, seconds: 3 };
const ENGINE = { engine: 'torch', device: 'cpu', parameters: 12, macs: 345 };

function writeRun(name: string, description: string, best: Uint8Array): string {
  const run = join(folder, name);
  mkdirSync(run);
  writeFileSync(join(run, 'architecture.json'), description);
  writeFileSync(join(run, 'best.safetensors'), best);
  writeFileSync(join(run, 'config.json'), '{"seed": 4, "init": null}');
  writeFileSync(join(run, 'commit.txt'), 'abc\n');
  writeFileSync(join(run, 'history.jsonl'), `${JSON.stringify(EPOCH)}\n`);
  writeFileSync(join(run, 'engine.json'), JSON.stringify(ENGINE));
  return run;
}

const evaluate = (...options: string[]) =>
  spawnSync(
    process.execPath,
    ['--import', 'tsx', join('scripts', 'train', 'evaluate.ts'), '--data', data, ...options],
    { encoding: 'utf8' },
  );
function evaluated(...options: string[]) {
  const json = join(folder, 'out.json');
  const { status, stdout, stderr } = evaluate(...options, '--json', json);
  expect([status, stderr]).toEqual([0, expect.not.stringContaining('error')]);
  return { stdout, metrics: readJson(metricsFile, json) };
}

let run: string;
beforeAll(() => {
  writeDataSet(data, 'generated', generatedFaces(448));
  run = writeRun('run', formatArchitecture(arch), encodeSafetensors(weights));
});

describe('a run’s best weights', () => {
  it('are scored as publishing would: rounded, through the plan, calibrated on PublicTest', async () => {
    const { metrics, stdout } = evaluated('--run', run, '--split', 'private');
    const set = readDataSet(data);
    const model = {
      name: 'run',
      version: '',
      architecture: JSON.parse(formatArchitecture(arch)),
      weights: encodeCompactSafetensors(weights),
    };
    const scoresOf = (split: 'PublicTest' | 'PrivateTest') => score(model, 'wasm', set, rowsOf(set, split));
    const labelsOf = (split: 'PublicTest' | 'PrivateTest') =>
      rowsOf(set, split).map((row) => set.labels[row] as number);
    const shares = logShares(set);
    const calibration = fitCalibration(await scoresOf('PublicTest'), labelsOf('PublicTest'), shares);
    expect(calibration.temperature).not.toBe(1);
    const calibrated = calibrate(await scoresOf('PrivateTest'), calibration, shares);
    const expected = measure(calibrated, labelsOf('PrivateTest'));
    expect(metrics.results).toEqual([{ on: 'PrivateTest', ...expected }]);
    expect(metrics).toMatchObject({
      name: 'run',
      version: null,
      scored: { by: 'plan', on: 'wasm' },
      tta: 'none',
      training: { commit: 'abc', config: { seed: 4 }, history: [EPOCH], engine: ENGINE },
      folds: [{ ...calibration, weights: sha256(readFileSync(join(run, 'best.safetensors'))) }],
    });
    expect(stdout).toContain('run (run), private, plan on wasm');
  }, 120_000);

  it('can be averaged over views, which is said', () => {
    const plain = evaluated('--run', run, '--split', 'public');
    const { metrics, stdout } = evaluated('--run', run, '--split', 'public', '--tta', 'flip');
    expect(metrics.tta).toBe('flip');
    expect(stdout).toContain('flip averaging: not what is served');
    expect(metrics.results[0]?.loss).not.toBe(plain.metrics.results[0]?.loss);
  }, 120_000);
});

it.each([
  ['run', 'engine.json', { ...ENGINE, data: 'ab' }],
  ['model', 'metrics.json', { version: '1.0.0', training: { data: 'ab', dataName: 'generated' } }],
])('a %s is not measured on another data set than its own', (kind, file, content) => {
  const own = join(folder, `${kind}-elsewhere`);
  mkdirSync(own);
  writeFileSync(join(own, file), JSON.stringify(content));
  const { status, stderr } = evaluate(`--${kind}`, own);
  expect([status, stderr]).toEqual([1, expect.stringContaining('has learned from another data set than')]);
});

describe('a published model', () => {
  it('is scored as it is, on every part of a split', () => {
    const { metrics } = evaluated('--model', untrained.folder, '--split', 'test', '--limit', '56');
    expect(metrics.results.map(({ on, count }) => [on, count])).toEqual([
      ['PublicTest and PrivateTest', 56],
      ['PublicTest, which chose the weights', 28],
      ['PrivateTest', 28],
      ['PublicTest and PrivateTest without copies of training images', 56],
    ]);
    expect(metrics).toMatchObject({ version: '0.0.0', trial: true, folds: [{ temperature: null }] });
  }, 120_000);

  it('is asked for by a folder that is there', () => {
    const { status, stderr } = evaluate('--run', 'runs/absent');
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/runs\/absent is neither a published model nor a run/),
    ]);
  });
});

describe.skipIf(!python)('a baseline', () => {
  it('is scored by torch, which is said, and counted by the engine', () => {
    const description = formatBaseline(
      baseline.parse({ baseline: 'resnet', stem: 2, side: 48, width: 8, dropout: 0 }),
    );
    const own = writeRun('resnet', description, new Uint8Array());
    const code = `
import json, sys, torch
from safetensors.torch import save_file
from build import build
from network import tensors_of
torch.manual_seed(1)
network = build(json.load(open(sys.argv[1] + "/architecture.json"))).eval()
torch.nn.init.normal_(network.head.weight)
save_file({name: t.contiguous() for name, t in tensors_of(network).items()}, sys.argv[1] + "/best.safetensors")
crops = torch.frombuffer(bytearray(sys.stdin.buffer.read()), dtype=torch.uint8).view(-1, 1, 48, 48)
with torch.no_grad():
    sys.stdout.buffer.write(network(crops.float()).softmax(1).numpy().tobytes())
print(sum(p.numel() for p in network.parameters()), file=sys.stderr)`;
    const set = readDataSet(data);
    const shown = rowsOf(set, 'PublicTest');
    const theirs = spawnSync(python as string, ['-c', code, own], {
      input: cropsOf(set.images, shown),
      env: { ...process.env, PYTHONPATH: TORCH_ENGINE, OMP_NUM_THREADS: '1' },
    });
    expect(theirs.status, `${theirs.stderr}`).toBe(0);
    const scores = new Float32Array(new Uint8Array(theirs.stdout).buffer);
    const labels = shown.map((row) => set.labels[row] as number);
    const shares = logShares(set);
    const expected = measure(calibrate(scores, fitCalibration(scores, labels, shares), shares), labels);
    const { metrics } = evaluated('--run', own, '--split', 'public');
    expect(metrics.scored).toEqual({ by: 'torch', on: 'cpu', precision: 'float32' });
    expect(metrics.cost).toEqual({ parameters: Number(`${theirs.stderr}`.trim()), macs: 345 });
    expect(metrics.results[0]?.confusion).toEqual(expected.confusion);
    // Batches of another size add up in another order: float32's last bits.
    expect(metrics.results[0]?.loss).toBeCloseTo(expected.loss, 4);
  }, 120_000);
});
