/** Publishing as a command, on generated faces and random weights. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generatedFaces } from '../../scripts/train/data/generated.js';
import { type Index, rowsDigest, writeDataSet } from '../../scripts/train/data/pack.js';
import { loadModel } from '../../src/assets/node-model.js';
import { formatArchitecture } from '../../src/model/architecture.js';
import { table1 } from '../../src/model/table1.js';
import { encodeSafetensors } from '../../src/model/weights.js';
import { livelyWeights } from '../support/networks.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-publish-'));
const [run, data, out] = [join(folder, 'run'), join(folder, 'data'), join(folder, 'models', 'mien-test')];
afterAll(() => rmSync(folder, { recursive: true }));

function command(script: string, ...options: string[]) {
  const file = join('scripts', 'train', script);
  return spawnSync(process.execPath, ['--import', 'tsx', file, ...options], { encoding: 'utf8' });
}
const EPOCH = { epoch: 1, step: 7, side: 16, loss: 2, publicAccuracy: 0.1, publicLoss: 2 };
const publish = (version: string) =>
  command('publish.ts', '--run', run, '--data', data, '--out', out, '--version', version);

let index: Index;
beforeAll(() => {
  const arch = table1({ side: 16 });
  mkdirSync(run);
  writeFileSync(join(run, 'architecture.json'), formatArchitecture(arch));
  writeFileSync(join(run, 'best.safetensors'), encodeSafetensors(livelyWeights(arch)));
  writeFileSync(join(run, 'config.json'), '{"seed": 1}');
  writeFileSync(join(run, 'commit.txt'), 'abc\n');
  writeFileSync(join(run, 'history.jsonl'), `${JSON.stringify(EPOCH)}\n`);
  index = writeDataSet(data, 'generated', generatedFaces(112));
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
    expect(metrics.training).toMatchObject({
      ...{ data: index.images, rows: rowsDigest(index), dataName: 'generated', history: [EPOCH] },
      set: { images: 112, votes: true, familiar: null },
    });
    expect(readFileSync(join(out, 'MODEL_CARD.md'), 'utf8')).toContain(
      `| generated | PrivateTest | 28 | ${(100 * hidden.accuracy).toFixed(2)} |`,
    );
  }, 120_000);

  it('refuses to stand in for a model of other pictures, whatever they are called', () => {
    const other = join(folder, 'other');
    const set = generatedFaces(112);
    writeDataSet(other, 'generated', { ...set, splits: set.splits.toReversed() });
    const { status, stderr } = command(
      ...(['publish.ts', '--run', run, '--data', other, '--out', out, '--version', '2.0.0'] as const),
    );
    expect(status).toBe(1);
    expect(stderr).toContain(`was measured on another data set than ${other} now holds: --out names another`);
  }, 120_000);

  it.each([
    ['1.0.0', /not published: .* is 1\.0\.0 already, so --version must be above it/],
    ['1.2', /'1\.2' is invalid. It is no version such as 1\.2\.3/],
  ])('refuses %s for the version after 1.0.0', (version, message) => {
    const { status, stderr } = publish(version);
    expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
  });

  it('refuses another data set than the run’s, and a folder that is no model', () => {
    const engine = join(run, 'engine.json');
    writeFileSync(engine, '{"engine":"torch","device":"cpu","parameters":1,"macs":1,"data":"other"}');
    const other = publish('2.0.0');
    rmSync(engine);
    expect([other.status, other.stderr]).toEqual([
      1,
      `error: ${run} has learned from another data set than ${data} now holds: --data names that one, or train anew\n`,
    ]);
    const { status, stderr } = command(
      ...(['publish.ts', '--run', run, '--data', data, '--out', folder, '--version', '2.0.0'] as const),
    );
    expect([status, stderr]).toEqual([1, expect.stringContaining('is not empty and has no metrics.json')]);
    expect(readdirSync(folder)).toContain('run');
  }, 120_000);

  it.each([
    ['typo', /^error: .*typo\/architecture.json is not what it should be: ENOENT.*\n$/],
    ['begun', /^error: .*begun has no best.safetensors: no epoch at its side has ended yet\n$/],
  ])(
    'says what is amiss with a run: %s',
    (name, message) => {
      const own = join(folder, name);
      if (name === 'begun') {
        mkdirSync(own);
        copyFileSync(join(run, 'architecture.json'), join(own, 'architecture.json'));
      }
      const { status, stderr } = command(
        ...(['publish.ts', '--run', own, '--data', data, '--out', `${out}-3`, '--version', '1.0.0'] as const),
      );
      expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
    },
    60_000,
  );

  it('names what a run’s folder lacks', () => {
    const file = join(run, 'history.jsonl');
    writeFileSync(file, '{"epoch":1}\n');
    const { status, stderr } = command(
      ...(['publish.ts', '--run', run, '--data', data, '--out', `${out}-2`, '--version', '1.0.0'] as const),
    );
    writeFileSync(file, `${JSON.stringify(EPOCH)}\n`);
    expect([status, stderr]).toEqual([1, expect.stringContaining(`${file}, row 1: `)]);
    expect(readdirSync(join(folder, 'models'))).toEqual(['mien-test']);
  }, 120_000);

  it('refuses weights that are not better on PublicTest, and leaves what is published', () => {
    const before = readFileSync(join(out, 'metrics.json'), 'utf8');
    const again = publish('1.0.1');
    expect(again.status).toBe(1);
    expect(again.stderr).toMatch(/not published: PublicTest accuracy [\d.]+ is not above/);
    expect(readFileSync(join(out, 'metrics.json'), 'utf8')).toBe(before);
    expect(readdirSync(join(folder, 'models'))).toEqual(['mien-test']);
  }, 120_000);

  it('replaces a worse one, whose name may end in a slash', () => {
    const file = join(out, 'metrics.json');
    const worse = JSON.parse(readFileSync(file, 'utf8'));
    worse.splits.public.accuracy = 0;
    worse.version = '1.0.9';
    writeFileSync(file, JSON.stringify(worse));
    const { status, stderr } = command(
      ...(['publish.ts', '--run', run, '--data', data, '--out', `${out}/`, '--version', '1.0.10'] as const),
    );
    expect([status, stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(readdirSync(out)).toHaveLength(4);
    expect(JSON.parse(readFileSync(file, 'utf8')).version).toBe('1.0.10');
  }, 120_000);
});
