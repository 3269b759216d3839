/** Sweeps: their files, and those of the paper's Table 4 and of its claims, end to end on generated faces. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hold } from '../../scripts/train/hold.js';
import { prepareRun } from '../../scripts/train/run.js';
import { readSweep, type SweepRow, withChanges } from '../../scripts/train/sweep-file.js';
import type { RowMetrics } from '../../scripts/train/sweep-metrics.js';
import { python, script } from '../support/training.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-sweep-'));
afterAll(() => rmSync(folder, { recursive: true }));
const SWEEPS = join('scripts', 'train', 'sweeps');

describe('a sweep’s file', () => {
  it.each(readdirSync(SWEEPS))('gives a configuration a run: %s', (name) => {
    const { rows } = readSweep(join(SWEEPS, name), 'runs', false);
    for (const { runs } of rows)
      for (const { seed, configuration } of runs) {
        expect(configuration.seed).toBe(seed);
        expect(configuration.stages.some(({ side }) => side === configuration.architecture.side)).toBe(true);
      }
  });

  it('changes fields by their paths, and nothing else', () => {
    const json = { a: { b: 1, c: [2] }, d: 3 };
    expect(withChanges(json, { 'a.b': null, d: { e: 4 } }, 'it')).toEqual({
      a: { b: null, c: [2] },
      d: { e: 4 },
    });
    expect(json.a.b).toBe(1);
    expect(() => withChanges(json, { 'x.y': 1 }, 'row z')).toThrow('row z: there is no x.y');
  });

  it('names the row that makes no configuration', () => {
    const file = join(folder, 'wrong.json');
    const rows = [{ name: 'wrong', changes: { 'augmentation.blur': 1 } }];
    // A base's path is from the file's folder.
    const base = relative(folder, join('scripts', 'train', 'configs', 'smoke.json'));
    writeFileSync(file, JSON.stringify({ about: 'it', base, seeds: [1], rows }));
    expect(() => readSweep(file, 'runs', false)).toThrow(/wrong\.json, row wrong is not .*"blur"/s);
    const odd = [{ name: 'odd', changes: { 'architecture.groups': 3 } }];
    writeFileSync(file, JSON.stringify({ about: 'it', base, seeds: [1], rows: odd }));
    expect(() => readSweep(file, 'runs', false)).toThrow(/wrong\.json, row odd is not .* at architecture/s);
    writeFileSync(file, JSON.stringify({ about: 'it', base: 'none.json', seeds: [1], rows }));
    expect(() => readSweep(file, 'runs', false)).toThrow(`${join(folder, 'none.json')}: ENOENT`);
  });

  it('has every row and every seed once', () => {
    const file = join(folder, 'repeated.json');
    const base = relative(folder, join('scripts', 'train', 'configs', 'smoke.json'));
    const read = (names: string[], ...seeds: number[][]) => {
      const rows = names.map((name, at) => ({ name, changes: {}, seeds: seeds[at] }));
      writeFileSync(file, JSON.stringify({ about: 'it', base, seeds: seeds.at(-1), rows }));
      return () => readSweep(file, 'runs', false);
    };
    expect(read(['one', 'two', 'one'], [1])).toThrow('more than once: row one\n  → at rows');
    expect(read(['one'], [1, 2], [3, 3, 4, 4])).toThrow('more than once: seed 3, 4\n  → at seeds');
    expect(read(['one', 'two'], [1, 1], [2])).toThrow('more than once: seed 1\n  → at rows[0].seeds');
    expect(read(['one', 'two'], [1], [1])).not.toThrow();
  });

  it('calls a run of its own as a teacher by its name', () => {
    const { rows } = readSweep(join(SWEEPS, 'gpu.json'), join('some', 'where'), false);
    const pupil = rows.find(({ name }) => name === 'pupil-96')?.runs[0].configuration;
    expect(pupil?.distillation?.teachers).toEqual([
      join('some', 'where', 'teacher-mixup-1'),
      join('some', 'where', 'teacher-cutmix-2'),
      'models/mien-v1',
    ]);
  });
});

describe('npm run sweep', () => {
  it('prepares a chain of teachers and pupils for a machine without Node', async () => {
    const out = join(folder, 'gpu');
    const options = ['--file', join(SWEEPS, 'gpu.json'), '--out', out, '--data', 'data/fer2013', '--dry-run'];
    const { code, said } = await script('sweep', ...options).ended;
    expect(code, said).toBe(0);
    const commands = said.split('\n').filter((line) => line.startsWith('python '));
    expect(commands.map((line) => line.split(' ').slice(2).join(' '))).toEqual(
      [
        'teacher-mixup-1',
        'teacher-cutmix-2',
        'pupil-96-3',
        'pupil-384-4',
        'teacher-unsmoothed-2',
        'pupil-mixed-3',
        'pupil-dense-3',
      ].map((name) => `--run ${join(out, name)} --data data/fer2013 --resume`),
    );
    expect(readdirSync(join(out, 'pupil-96-3')).sort()).toEqual([
      'architecture.json',
      'commit.txt',
      'config.json',
      'init.safetensors',
      'lock',
    ]);
  }, 60_000);

  it('takes no row for done that was trained on other data, or that another trains', async () => {
    const out = join(folder, 'done');
    const file = join(SWEEPS, 'shapes.json');
    const [row] = readSweep(file, out, true).rows as [SweepRow];
    const [{ name, configuration }] = row.runs;
    const run = join(out, name);
    prepareRun(run, configuration, { engine: 'torch', resume: false });
    writeFileSync(join(run, 'history.jsonl'), '{"epoch":1}\n');
    const engine = { engine: 'torch', device: 'cpu', parameters: 1, macs: 1, data: 'ab', rows: 'cd' };
    writeFileSync(join(run, 'engine.json'), JSON.stringify(engine));
    const options = ['--file', file, '--out', out, '--quick', '--only', row.name, '--seeds', '1'];
    const other = await script('sweep', ...options).ended;
    expect([other.code, other.said]).toEqual([
      1,
      expect.stringContaining(`error: ${run} has learned from another data set than ${join(run, 'data')}`),
    ]);
    const release = hold(run);
    const beside = await script('sweep', ...options).ended;
    release();
    expect([beside.code, beside.said]).toEqual([1, expect.stringContaining(`error: ${run} is held by`)]);
  }, 60_000);

  it.skipIf(!python)(
    'trains every row of the ablation and the baselines, and goes on where it was stopped',
    async () => {
      const run = async (name: string, ...more: string[]) => {
        const out = join(folder, name);
        const options = ['--file', join(SWEEPS, `${name}.json`), '--out', out, '--quick', ...more];
        const { code, said } = await script('sweep', ...options).ended;
        expect(code, said).toBe(0);
        const rows: RowMetrics[] = readdirSync(out)
          .filter((file) => file.endsWith('.json'))
          .map((file) => JSON.parse(readFileSync(join(out, file), 'utf8')));
        return { said, rows: new Map(rows.map((row) => [row.name, row])) };
      };
      const ablation = await run('ablation', '--seeds', '1');
      expect([...ablation.rows.keys()]).toEqual(['attention', 'factorised', 'grouped', 'plain']);
      const of = (name: string) => ablation.rows.get(name) as RowMetrics;
      for (const row of ablation.rows.values()) {
        expect(row.seeds).toHaveLength(1);
        expect(row.seeds[0]?.publicAccuracy).toBeGreaterThan(0);
        expect(row.latency?.ratio).toBeGreaterThan(0);
        expect(row.commit).toMatch(/^[0-9a-f]{40}|unknown/);
      }
      // The paper's claims that are counted: each step is cheaper than the one before, and attention is small.
      expect(of('factorised').macs).toBeLessThan(of('plain').macs);
      expect(of('grouped').macs).toBeLessThan(of('factorised').macs / 2);
      expect(of('attention').parameters).toBeLessThan(1.2 * of('grouped').parameters);
      expect(of('plain').latency?.ratio).toBe(1);

      const baselines = await run('baselines', '--only', 'parallel,resnet', '--jobs', '2');
      expect(baselines.said).toMatch(
        /^parallel-1: epoch 1: .*^resnet-1: epoch 1: |^resnet-1: epoch 1: .*^parallel-1: epoch 1: /ms,
      );
      expect(baselines.rows.get('resnet')).toMatchObject({ latency: null, engine: { engine: 'torch' } });
      expect(baselines.rows.get('parallel')?.macs).toBeGreaterThan(1e6);
      const again = await run('baselines', '--only', 'parallel,resnet');
      expect(again.said).not.toContain('steps,');
      expect(again.rows).toEqual(baselines.rows);
    },
    240_000,
  );

  it('gives a row’s figures of every seed that is done, also where fewer are asked for', async () => {
    const [out, file] = [join(folder, 'seeds'), join(folder, 'seeds.json')];
    const base = relative(folder, join('scripts', 'train', 'configs', 'smoke.json'));
    const rows = [{ name: 'base', changes: { 'architecture.width': 0.25, 'architecture.groups': 1 } }];
    writeFileSync(file, JSON.stringify({ about: 'it', base, seeds: [1, 2, 3], rows }));
    const sweep = async (seeds: string) => {
      const options = ['--file', file, '--out', out, '--quick', '--engine', 'tfjs', '--seeds', seeds];
      const { code, said } = await script('sweep', ...options).ended;
      expect(code, said).toBe(0);
      const metrics: RowMetrics = JSON.parse(readFileSync(join(out, 'base.json'), 'utf8'));
      return metrics.seeds.map(({ seed }) => seed);
    };
    expect(await sweep('2')).toEqual([1, 2]);
    expect(await sweep('1')).toEqual([1, 2]);
  }, 120_000);

  it.skipIf(!python)(
    'beside each other: begins a pupil after its teacher, and ends the others where one fails',
    async () => {
      const file = join(folder, 'chain.json');
      const taught = (teacher: string) => ({
        distillation: { teachers: [teacher], weight: 0.5, temperature: 2 },
      });
      const rows = [
        { name: 'orphan', changes: taught('runs/there-is-none') },
        { name: 'teacher', changes: {} },
        { name: 'pupil', changes: taught('teacher-1') },
      ];
      const base = relative(folder, join('scripts', 'train', 'configs', 'smoke.json'));
      writeFileSync(file, JSON.stringify({ about: 'it', base, seeds: [1], rows }));
      const out = join(folder, 'chain');
      const options = ['--file', file, '--out', out, '--quick', '--jobs', '3'];
      const { code, said } = await script('sweep', ...options).ended;
      expect(code, said).toBe(1);
      expect(said).toMatch(/^error: teacher: .*there-is-none/m);
      const [teacher, pupil] = ['teacher-1: epoch 1: ', 'pupil-1: cpu: '].map((text) => said.indexOf(text));
      expect(teacher).toBeGreaterThan(0);
      expect(pupil).toBeGreaterThan(teacher as number);
      expect(readdirSync(join(out, 'pupil-1'))).toContain('best.safetensors');
    },
    120_000,
  );

  it('has jobs for the torch engine alone', async () => {
    const options = ['--file', join(SWEEPS, 'shapes.json'), '--engine', 'tfjs', '--jobs', '2'];
    const { code, said } = await script('sweep', ...options).ended;
    expect(code).toBe(1);
    expect(said).toContain('error: --jobs is an option of the torch engine');
  });
});
