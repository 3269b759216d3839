/** What `npm run train` refuses before it trains. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { trainRun } from '../../scripts/train/engines/tfjs/train.js';
import { hold } from '../../scripts/train/hold.js';
import { CHECKPOINTS, type Engine, finished, prepareRun } from '../../scripts/train/run.js';
import { tinyConfiguration } from '../support/tiny-run.js';
import { SMOKE, script } from '../support/training.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-train-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);

it('options that the tfjs engine does not have', async () => {
  const options = ['--dry-run', '--profile', '--seconds', '9', '--processes', '2'];
  const { code, said } = await script(
    ...(['train', '--engine', 'tfjs', '--config', SMOKE, '--run', at('options'), ...options] as const),
  ).ended;
  expect([code, said]).toEqual([
    1,
    'error: --seconds, --processes, --profile, --dry-run: the torch engine has that, not --engine tfjs\n',
  ]);
  expect(existsSync(at('options'))).toBe(false);
});

it('the option that the torch engine does not have, in a protocol too, though it has a default', async () => {
  const options = ['--config', SMOKE, '--run', at('options'), '--backend', 'node', '--data', at('no-data')];
  const ends = [script('train', ...options), script('protocol', 'fer2013', ...options)];
  for (const { ended } of ends)
    expect(await ended).toEqual({
      code: 1,
      said: 'error: --backend: the tfjs engine has that, not --engine torch\n',
    });
  expect(existsSync(at('options'))).toBe(false);
});

it('batches that the processes cannot share, once for all', async () => {
  const { code, said } = await script(
    ...(['train', '--config', SMOKE, '--run', at('shared'), '--processes', '3'] as const),
  ).ended;
  expect([code, said]).toEqual([1, 'error: a batch of 16 cannot be shared in pairs by 3 processes\n']);
  expect(existsSync(at('shared'))).toBe(false);
});

describe('a folder that is held', () => {
  it('is one holder’s, until it lets go', () => {
    const release = hold(at('held'));
    expect(() => hold(at('held'))).toThrow(
      `${at('held')} is held by process ${process.pid} on ${hostname()}, which has to end first`,
    );
    release();
    hold(at('held'))();
  });

  it('is not where it cannot be', () => {
    writeFileSync(at('file'), '');
    expect(() => hold(at('file'))).toThrow(expect.objectContaining({ code: 'invalid_data' }));
  });

  it('is not trained by another, nor is anything changed in it', async () => {
    const release = hold(at('busy'));
    writeFileSync(at('busy', 'checkpoint.pt.part'), '');
    const { code, said } = await script('train', '--config', SMOKE, '--run', at('busy')).ended;
    release();
    expect([code, said]).toEqual([1, expect.stringContaining(`is held by process ${process.pid} on`)]);
    expect(readdirSync(at('busy')).sort()).toEqual(['checkpoint.pt.part', 'lock']);
  });
});

describe('a run that an engine has begun', () => {
  const configuration = tinyConfiguration();
  it.each([
    ['torch', 'tfjs'],
    ['tfjs', 'torch'],
  ] as [Engine, Engine][])('%s, is not gone on with by %s', (own, other) => {
    const run = at(own);
    prepareRun(run, configuration, { engine: own, resume: false });
    writeFileSync(join(run, CHECKPOINTS[own]), '');
    expect(() => prepareRun(run, configuration, { engine: other, resume: true })).toThrow(
      `${run} was begun by the ${own} engine: --engine ${own} goes on with it`,
    );
    prepareRun(run, configuration, { engine: own, resume: true });
  });

  it('and ended is trained anew by no other either: only who trains it no more may have it', async () => {
    const run = at('ended');
    prepareRun(run, configuration, { engine: 'torch', resume: false });
    writeFileSync(join(run, CHECKPOINTS.torch), '');
    writeFileSync(join(run, 'history.jsonl'), '{"epoch":1}\n');
    const refusal = `${run} was begun by the torch engine: --engine torch goes on with it`;
    const prepare = (letFinished: boolean) => () =>
      prepareRun(run, configuration, { engine: 'tfjs', resume: true, letFinished });
    expect(prepare(false)).toThrow(refusal);
    expect(prepare(true)).not.toThrow();
    const options = { run, data: at('no-data'), backend: 'wasm', checkpointSeconds: 60 } as const;
    await expect(trainRun(options)).rejects.toThrow(refusal);
    expect(readFileSync(join(run, 'history.jsonl'), 'utf8')).toBe('{"epoch":1}\n');
  });

  it('needs its teachers’ folders no more', () => {
    const taught = {
      ...configuration,
      distillation: { teachers: [at('no-teacher')], weight: 0.5, temperature: 2 },
    };
    const prepare = () => prepareRun(at('taught'), taught, { engine: 'torch', resume: true });
    expect(prepare).toThrow(`teacher: ENOENT: no such file or directory, open '${at('no-teacher')}`);
    writeFileSync(at('taught', CHECKPOINTS.torch), '');
    prepare();
  });

  it('has ended with its last epoch, of which every few may be recorded', () => {
    const run = at('history');
    mkdirSync(run);
    const stages = [{ side: 16, epochs: 5, batch: 14 }];
    const ended = (...epochs: number[]) => {
      writeFileSync(join(run, 'history.jsonl'), epochs.map((epoch) => `{"epoch":${epoch}}\n`).join(''));
      return finished(run, { ...configuration, stages });
    };
    expect([ended(2, 4), ended(2, 4, 5), ended(1, 2, 3, 4, 5)]).toEqual([false, true, true]);
  });
});
