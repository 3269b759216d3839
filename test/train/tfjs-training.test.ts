/** Training by the tfjs engine: killed, resumed, refused. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Configuration, readConfiguration } from '../../scripts/train/config.js';
import { trainRun } from '../../scripts/train/engines/tfjs/train.js';
import { hold } from '../../scripts/train/hold.js';
import { dataOf, prepareRun } from '../../scripts/train/run.js';
import { historyOf, lastWeights, SMOKE, script, smokeHistory } from '../support/training.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-tfjs-training-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);

const smoke = readConfiguration(SMOKE);
/** Half of smoke.json: one stage of two epochs. */
const short = { ...smoke, stages: [{ side: 24, epochs: 2, batch: 32 }] };
/** The same of a small network, where what it learns is not asked. */
const narrow = { ...short, architecture: { ...smoke.architecture, width: 0.25, groups: 1 } };

function engine(config: object, name: string, ...more: string[]): ReturnType<typeof script> {
  const file = at(`${basename(name)}.json`);
  writeFileSync(file, JSON.stringify(config));
  return script('train', '--engine', 'tfjs', '--config', file, '--run', at(name), ...more);
}

/** Refused by exit code 1 and these words. */
async function refused(running: ReturnType<typeof script>, words: string): Promise<void> {
  const { code, said } = await running.ended;
  expect([code, said]).toEqual([1, expect.stringContaining(`error: ${words}`)]);
}

/** Goes on with a run, or begins it, without a process. */
function train(name: string, configuration: Configuration): Promise<void> {
  prepareRun(at(name), configuration, { engine: 'tfjs', resume: true });
  const data = dataOf(at(name), configuration, undefined);
  return trainRun({ run: at(name), data, backend: 'wasm', checkpointSeconds: 60 });
}

describe('training by tfjs', () => {
  let seconds = 0;
  beforeAll(async () => {
    const start = performance.now();
    const options = ['--engine', 'tfjs', '--config', SMOKE, '--run', at('smoke')];
    const smokeRun = await script('train', ...options).ended;
    seconds = (performance.now() - start) / 1000;
    expect(smokeRun.code, smokeRun.said).toBe(0);
    const whole = await engine(narrow, 'whole').ended;
    expect(whole.code, whole.said).toBe(0);
  }, 300_000);

  it('takes generated data and less than a minute of an idle machine, and learns', () => {
    console.log(`smoke.json by tfjs: ${seconds.toFixed(1)} s`);
    const history = smokeHistory(at('smoke'));
    expect(Object.keys(history[0] ?? {})).toEqual(
      'epoch step side rate loss trainAccuracy publicAccuracy publicRecall publicLoss'.split(' '),
    );
    expect(existsSync(at('smoke', 'best.safetensors'))).toBe(true);
    expect(JSON.parse(readFileSync(at('smoke', 'engine.json'), 'utf8'))).toMatchObject({
      engine: 'tfjs',
      device: 'wasm',
    });
  });

  it('ends with the same weights and history when it is killed at a random moment and resumed', async () => {
    const often = ['--checkpoint-seconds', '0.05'];
    const killed = engine(narrow, 'killed', ...often);
    while (!existsSync(at('killed', 'checkpoint.safetensors')))
      await new Promise((done) => setTimeout(done, 50));
    expect(() => hold(at('killed'))).toThrow(`is held by process ${killed.child.pid} on`);
    await new Promise((done) => setTimeout(done, 1000 * Math.random()));
    killed.kill();
    expect((await killed.ended).code).toBe(null);
    expect(existsSync(at('killed', 'checkpoint.safetensors'))).toBe(true);
    const resumed = await engine(narrow, 'killed', ...often, '--resume').ended;
    expect(resumed.code, resumed.said).toBe(0);
    expect(lastWeights(at('killed'))).toEqual(lastWeights(at('whole')));
    expect(historyOf(at('killed'))).toEqual(historyOf(at('whole')));
    expect(readdirSync(at('killed')).filter((name) => name.endsWith('.part'))).toEqual([]);
  }, 240_000);

  it('refuses what it cannot do', async () => {
    const asked = (change: Partial<Configuration>) => train('asked', { ...smoke, ...change });
    await expect(asked({ precision: 'bfloat16' })).rejects.toThrow(
      'the tfjs engine trains in float32, not bfloat16',
    );
    const baseline = { baseline: 'parallel', side: 24, width: 2, dropout: 0 } as const;
    await expect(asked({ architecture: baseline })).rejects.toThrow('the tfjs engine knows no baselines');
  });

  it('names a damaged checkpoint, one that is lost, and a wrong configuration', async () => {
    cpSync(at('whole'), at('damaged'), { recursive: true });
    const checkpoint = readFileSync(at('whole', 'checkpoint.safetensors'));
    writeFileSync(at('damaged', 'checkpoint.safetensors'), checkpoint.subarray(0, 1e6));
    await expect(train('damaged', narrow)).rejects.toThrow(
      `${at('damaged', 'checkpoint.safetensors')}: not valid`,
    );
    rmSync(at('damaged', 'checkpoint.safetensors'));
    await refused(
      engine(narrow, 'damaged', '--resume'),
      `${at('damaged')} holds a run without its checkpoint`,
    );
    expect(lastWeights(at('damaged'))).toEqual(lastWeights(at('whole')));
    writeFileSync(at('wrong.json'), JSON.stringify({ ...smoke, average: 2 }));
    await refused(
      script('train', '--config', at('wrong.json')),
      `${at('wrong.json')} is not a training configuration`,
    );
  }, 60_000);
});

const mounted = at('full');
mkdirSync(mounted);
const disk = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mounted]).status === 0;
if (!disk) console.warn('skipped: training on a full disk; a small disk cannot be mounted here (root can)');
afterAll(() => {
  if (disk) spawnSync('umount', [mounted]);
});

describe.skipIf(!disk)('a full disk', () => {
  it('ends training with its name, and leaves nothing half-written', async () => {
    // A checkpoint is three times the weights, over 4 MB: it does not fit at all.
    await refused(
      engine(short, 'full/run', '--checkpoint-seconds', '0', '--steps', '1'),
      `cannot write ${join(mounted, 'run', 'checkpoint.safetensors')}: ENOSPC`,
    );
    const left = readdirSync(join(mounted, 'run')).sort();
    expect(left).toEqual(['architecture.json', 'commit.txt', 'config.json', 'data', 'engine.json', 'lock']);
  }, 60_000);
});
