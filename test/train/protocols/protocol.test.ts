/** Every protocol as a command, on generated people and a tiny network, trained by the tfjs engine. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJson } from '../../../scripts/lib/read-json.js';
import { generatedFaces } from '../../../scripts/train/data/generated.js';
import { type Index, readDataSet, readIndex, writeDataSet } from '../../../scripts/train/data/pack.js';
import { hold } from '../../../scripts/train/hold.js';
import { measure } from '../../../scripts/train/metrics.js';
import { type MetricsFile, metricsFile } from '../../../scripts/train/metrics-files.js';
import { type Fold, numbered } from '../../../scripts/train/protocols/protocol.js';
import { claim } from '../../../scripts/train/protocols/run.js';
import { people } from '../../support/people.js';
import { tinyConfiguration } from '../../support/tiny-run.js';
import { untrainedFolder } from '../../support/untrained.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-protocols-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...parts: string[]) => join(folder, ...parts);

const COMMAND = ['--import', 'tsx', join('scripts', 'train', 'protocol.ts')];
const TRAINING = ['--config', at('tiny.json'), '--engine', 'tfjs'];
const protocol = (...options: string[]) =>
  spawnSync(process.execPath, [...COMMAND, ...options], { encoding: 'utf8' });
const metricsOf = (file: string): MetricsFile => readJson(metricsFile, file);
const counted = (confusion: number[][]) => confusion.flat().reduce((sum, count) => sum + count, 0);

beforeAll(() => {
  writeFileSync(at('tiny.json'), JSON.stringify(tinyConfiguration()));
  writeFileSync(at('other.json'), JSON.stringify({ ...tinyConfiguration(), seed: 9 }));
  writeDataSet(at('fer'), 'fer2013', generatedFaces(56));
  writeDataSet(at('ck'), 'ckplus', people(10, 1));
  writeDataSet(at('jaffe'), 'jaffe', people(3, 3));
  mkdirSync(at('taught'));
  writeFileSync(at('taught', 'metrics.json'), '{"training": {"dataName": "ckplus48"}}');
});

describe('jaffe-by-subject, in full', () => {
  const run = at('by-subject');
  const options = ['jaffe-by-subject', '--data', at('jaffe'), '--run', run, ...TRAINING];
  const outcome = (fold: string) => join(run, fold, 'outcome.json');
  let first: { mtimeMs: number };

  it('is killed after the first fold', async () => {
    const child: ChildProcess = spawn(process.execPath, [...COMMAND, ...options], {
      detached: true,
      stdio: 'ignore',
    });
    const ended = new Promise((done) => child.on('close', (_, signal) => done(signal)));
    const watch = setInterval(() => {
      if (existsSync(outcome('fold-01'))) process.kill(-(child.pid as number), 'SIGKILL');
    }, 20);
    expect(await ended).toBe('SIGKILL');
    clearInterval(watch);
    expect([existsSync(outcome('fold-02')), existsSync(join(run, 'metrics.json'))]).toEqual([false, false]);
    first = statSync(outcome('fold-01'));
  }, 240_000);

  it('is not begun anew by mistake, nor gone on with as another', () => {
    const again = protocol(...options);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('--resume goes on with it')]);
    const other = protocol(...options, '--resume', '--config', at('other.json'));
    expect([other.status, other.stderr]).toEqual([1, expect.stringContaining('was begun with another')]);
    const release = hold(run);
    const beside = protocol(...options, '--resume');
    release();
    expect([beside.status, beside.stderr]).toEqual([1, expect.stringContaining('is held by process')]);
  });

  it('goes on where it was, and measures every picture once', () => {
    const { status, stdout } = protocol(...options, '--resume');
    expect(status).toBe(0);
    expect(statSync(outcome('fold-01')).mtimeMs).toBe(first.mtimeMs);
    const metrics = metricsOf(join(run, 'metrics.json'));
    const [pooled] = metrics.results;
    expect(metrics).toMatchObject({
      name: 'by-subject',
      protocol: { name: 'jaffe-by-subject', leaks: null },
      trial: false,
      tta: 'none',
      scored: { by: 'plan', on: 'wasm' },
      data: { name: 'jaffe', count: 63 },
      training: { config: { seed: 1 }, history: [{ epoch: 1 }] },
    });
    expect(metrics.folds.map(({ training, selection, tested }) => [training, selection, tested])).toEqual(
      new Array(3).fill([21, 21, 21]),
    );
    expect([pooled?.count, counted(pooled?.confusion ?? [])]).toEqual([63, 63]);
    expect(stdout).toContain(`accuracy ${metrics.accuracy.mean.toFixed(4)} ±`);
  }, 240_000);

  it('gives the figures of the folds’ own scores', () => {
    const metrics = metricsOf(join(run, 'metrics.json'));
    const folds = ['fold-01', 'fold-02', 'fold-03'].map((fold) => {
      const bytes = new Uint8Array(readFileSync(join(run, fold, 'scores.f32')));
      const set = readDataSet(join(run, fold, 'data'));
      return {
        scores: new Float32Array(bytes.buffer),
        labels: [...set.labels].filter((_, row) => set.splits[row] === 2),
        subjects: new Set([...(set.subjects ?? [])].filter((_, row) => set.splits[row] === 2)),
      };
    });
    expect(folds.map(({ subjects }) => [...subjects])).toEqual([[0], [1], [2]]);
    const pooled = measure(
      Float32Array.from(folds.flatMap(({ scores }) => [...scores])),
      folds.flatMap(({ labels }) => labels),
    );
    expect(metrics.results[0]).toEqual({ on: 'all folds together', ...pooled });
    const accuracies = folds.map(({ scores, labels }) => measure(scores, labels).accuracy);
    expect(metrics.folds.map(({ accuracy }) => accuracy)).toEqual(accuracies);
    const mean = accuracies.reduce((sum, value) => sum + value, 0) / 3;
    const squares = accuracies.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    expect(metrics.accuracy.mean).toBeCloseTo(mean, 12);
    expect(metrics.accuracy.deviation).toBeCloseTo(Math.sqrt(squares / 2), 12);
  });
});

describe('a protocol that has begun', () => {
  const index = (images: string): Index => ({ ...readIndex(at('ck')), files: { 'images.png': images } });
  const resume = (images: string, init: string) => {
    writeFileSync(at('init.safetensors'), init);
    const options = { config: at('from-init.json'), engine: 'tfjs', backend: 'wasm' };
    const what = { protocol: 'ckplus-10-fold', trial: true, data: index(images), options };
    const [fold] = numbered([people(1, 1)]) as [Fold];
    claim(at('claimed'), [fold], what, true);
    mkdirSync(at('claimed', fold.name), { recursive: true });
    writeFileSync(at('claimed', fold.name, 'outcome.json'), '{}');
  };

  it('goes on from the same weights on the same data alone, a trial too', () => {
    writeFileSync(
      at('from-init.json'),
      JSON.stringify({ ...tinyConfiguration(), init: at('init.safetensors') }),
    );
    resume('pictures', 'weights');
    resume('pictures', 'weights');
    for (const [images, init] of [
      ['others', 'weights'],
      ['pictures', 'others'],
    ] as const)
      expect(() => resume(images, init), `${images}, ${init}`).toThrow('was begun with another');
  });
});

describe('a trial', () => {
  const trial = (name: string, data: string) => {
    const { status, stderr } = protocol(
      ...[name, '--data', at(data), '--run', at(name), ...TRAINING],
      ...['--trial', '--json', at(`${name}.json`)],
    );
    expect([status, stderr]).toEqual([0, expect.not.stringContaining('error')]);
    return metricsOf(at(`${name}.json`));
  };

  it('of ckplus-10-fold is of two folds of people', () => {
    const { folds, results, trial: isTrial, protocol: own } = trial('ckplus-10-fold', 'ck');
    expect(folds.map(({ training, selection, tested }) => [training, selection, tested])).toEqual([
      [56, 7, 7],
      [56, 7, 7],
    ]);
    expect([results[0]?.count, isTrial, own.leaks]).toEqual([14, true, null]);
    const measured = ['fold-01', 'fold-02'].map((fold) => {
      const set = readDataSet(at('ckplus-10-fold', fold, 'data'));
      const own = (code: number) =>
        new Set([...(set.subjects ?? [])].filter((_, row) => set.splits[row] === code));
      expect([...own(2)].filter((person) => own(0).has(person) || own(1).has(person))).toEqual([]);
      return [...own(2)][0];
    });
    expect(measured[0]).not.toBe(measured[1]);
  }, 240_000);

  it('of ckplus-paper says that it leaks, and it does', () => {
    const { folds, protocol: own } = trial('ckplus-paper', 'ck');
    expect(own.leaks).toBe('copies of one face on both sides');
    expect(folds).toMatchObject([{ training: 256, selection: 256, tested: 256 }]);
  }, 240_000);

  it('of jaffe-10-fold says who is on both sides', () => {
    const { folds, protocol: own } = trial('jaffe-10-fold', 'jaffe');
    expect(own.leaks).toBe('other pictures of the same people on both sides');
    expect(folds).toHaveLength(2);
  }, 240_000);

  it('has a folder of its own, beside the run in earnest', () => {
    // Where there are no scripts the first fold cannot be trained; the run's folder is claimed before.
    const here = at('elsewhere');
    mkdirSync(here);
    const command = ['--import', import.meta.resolve('tsx'), resolve('scripts', 'train', 'protocol.ts')];
    const options = ['jaffe-by-subject', '--data', at('jaffe'), ...TRAINING, '--trial'];
    spawnSync(process.execPath, [...command, ...options], { cwd: here });
    expect(readdirSync(join(here, 'runs'))).toEqual(['jaffe-by-subject-trial']);
  }, 60_000);

  it('of fer2013 measures all test images, PrivateTest, and those that are no copies', () => {
    const { folds, results, accuracy } = trial('fer2013', 'fer');
    expect(folds).toMatchObject([{ name: 'official', training: 56, selection: 14, tested: 28 }]);
    expect(results.map(({ on, count }) => [on, count])).toEqual([
      ['PublicTest and PrivateTest', 28],
      ['PublicTest, which chose the weights', 14],
      ['PrivateTest', 14],
      ['PublicTest and PrivateTest without copies of training images', 28],
    ]);
    expect(accuracy.deviation).toBeNull();
  }, 240_000);
});

describe('zero-shot', () => {
  const untrained = untrainedFolder();
  afterAll(() => untrained.remove());

  it.each([
    ['ck', 70],
    ['jaffe', 63],
  ])(
    'measures all of %s with neutral, and without',
    (data, count) => {
      const json = at(`zero-${data}.json`);
      const { status } = protocol(
        'zero-shot',
        '--data',
        at(data),
        '--model',
        untrained.folder,
        '--json',
        json,
      );
      expect(status).toBe(0);
      const { results, folds, protocol: own } = metricsOf(json);
      expect(own.name).toBe('zero-shot');
      expect(folds).toMatchObject([{ training: 0, selection: 0, tested: count, temperature: null }]);
      expect(results.map((result) => result.count)).toEqual([count, (count * 6) / 7]);
      const masked = results[1]?.confusion ?? [];
      expect(masked.map((row) => row[6])).toEqual(new Array(7).fill(0));
      expect(results[1]?.perClass.neutral.support).toBe(0);
    },
    60_000,
  );
});

describe('refused', () => {
  it.each([
    [['ckplus-paper', '--data', 'x'], /ckplus-paper trains: --config says what/],
    [['jaffe-10-fold', '--data', at('ck'), ...TRAINING], /jaffe-10-fold is for jaffe; .* holds ckplus/],
    [
      ['ckplus-10-fold', '--data', at('ck'), ...TRAINING, '--model', 'models/mien-v1'],
      /--model: zero-shot has that, not ckplus-10-fold, whose configuration names the weights to begin with, init/,
    ],
    [
      ['zero-shot', '--data', at('ck'), ...TRAINING, '--trial', '--resume'],
      /--config, --resume, --trial, --engine: protocols that train have that, not zero-shot/,
    ],
    [['zero-shot', '--data', at('ck'), '--model', at('ck')], /neither a published model nor a run/],
    [['zero-shot', '--data', at('ck'), '--model', at('taught')], /these weights have learned from ckplus/],
  ])('%j', (options, message) => {
    const { status, stderr } = protocol(...options);
    expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
  });

  it('too few people, with nothing left behind', () => {
    writeDataSet(at('few'), 'ckplus', people(4, 1));
    const { status, stderr } = protocol(
      'ckplus-10-fold',
      '--data',
      at('few'),
      '--run',
      at('never'),
      ...TRAINING,
    );
    expect([status, stderr]).toEqual([1, 'error: 10 folds of people need as many people; there are 4\n']);
    expect(readdirSync(folder)).not.toContain('never');
  });
});
