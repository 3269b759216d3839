/** Publishing and evaluating as commands, on generated faces and random weights. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDataSet } from '../../scripts/train/data/pack.js';
import { loadModel } from '../../src/assets/node-model.js';
import { formatArchitecture } from '../../src/model/architecture.js';
import { table1 } from '../../src/model/table1.js';
import { encodeSafetensors } from '../../src/model/weights.js';
import { generatedFaces } from '../support/faces.js';
import { livelyWeights } from '../support/networks.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-publish-'));
const [run, data, out] = [join(folder, 'run'), join(folder, 'data'), join(folder, 'models', 'mien-test')];
afterAll(() => rmSync(folder, { recursive: true }));

function command(script: string, ...options: string[]) {
  const file = join('scripts', 'train', script);
  return spawnSync(process.execPath, ['--import', 'tsx', file, ...options], { encoding: 'utf8' });
}
const publish = (version: string) =>
  command('publish.ts', '--run', run, '--data', data, '--out', out, '--version', version);

beforeAll(() => {
  const arch = table1({ side: 16 });
  mkdirSync(run);
  writeFileSync(join(run, 'architecture.json'), formatArchitecture(arch));
  writeFileSync(join(run, 'best.safetensors'), encodeSafetensors(livelyWeights(arch)));
  writeFileSync(join(run, 'config.json'), '{"seed": 1}');
  writeFileSync(join(run, 'commit.txt'), 'abc\n');
  writeFileSync(join(run, 'history.jsonl'), '{"epoch":1,"loss":2}\n');
  writeDataSet(data, 'generated', generatedFaces(112));
});

describe('publish-model', () => {
  it('writes architecture, weights, metrics and a card that fit each other', async () => {
    expect(publish('1.0.0').stderr).not.toMatch(/error/);
    expect(readdirSync(out).sort()).toEqual([
      'MODEL_CARD.md',
      'architecture.json',
      'metrics.json',
      'weights.safetensors',
    ]);
    const model = await loadModel(out);
    expect([model.name, model.version]).toEqual(['mien-test', '1.0.0']);
    const metrics = JSON.parse(readFileSync(join(out, 'metrics.json'), 'utf8'));
    const { public: shown, private: hidden, test } = metrics.splits;
    expect([shown.count, hidden.count, test.count]).toEqual([28, 28, 56]);
    expect(test.accuracy).toBeCloseTo((shown.accuracy + hidden.accuracy) / 2, 10);
    expect(metrics.training.history).toEqual([{ epoch: 1, loss: 2 }]);
    expect(readFileSync(join(out, 'MODEL_CARD.md'), 'utf8')).toContain(
      `| PrivateTest | 28 | ${(100 * hidden.accuracy).toFixed(2)} |`,
    );
  }, 60_000);

  it('refuses weights that are not better on PublicTest, and leaves what is published', () => {
    const before = readFileSync(join(out, 'metrics.json'), 'utf8');
    const again = publish('1.0.1');
    expect(again.status).toBe(1);
    expect(again.stderr).toMatch(/not published: PublicTest accuracy [\d.]+ is not above/);
    expect(readFileSync(join(out, 'metrics.json'), 'utf8')).toBe(before);
    expect(readdirSync(join(folder, 'models'))).toEqual(['mien-test']);
  }, 60_000);
});

describe('evaluate', () => {
  it('gives the published figures, and writes them as JSON', () => {
    const json = join(folder, 'out.json');
    const options = ['--model', out, '--data', data, '--split', 'test', '--backend', 'wasm', '--json', json];
    const { stdout, status } = command('evaluate.ts', ...options);
    expect(status).toBe(0);
    const report = JSON.parse(readFileSync(json, 'utf8'));
    const published = JSON.parse(readFileSync(join(out, 'metrics.json'), 'utf8'));
    const { model, data: hash, split, backend, ...figures } = report;
    expect(figures).toEqual(published.splits.test);
    expect([model.weights, hash, split, backend]).toEqual([
      published.weights,
      published.training.data,
      'test',
      'wasm',
    ]);
    expect(stdout).toContain(`accuracy ${report.accuracy.toFixed(4)}`);
  }, 60_000);

  it.each([
    [['--split', 'training'], /--split is "training", not one of public, private, test/],
    [['--backend', 'webgl'], /--backend is "webgl"/],
    [['--limit=-3'], /--limit is "-3"/],
    [['--limt', '3'], /^error: Unknown option '--limt'/],
    [['--data', 'absent'], /absent is not a packed data set/],
  ])('refuses %j', (options, message) => {
    const { status, stderr } = command('evaluate.ts', '--model', out, '--data', data, ...options);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
  });
});
