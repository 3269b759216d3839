/** Training by the torch engine: killed, resumed, shared by processes, taught, refused. Needs a Python with torch. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
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
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Configuration, readConfiguration } from '../../scripts/train/config.js';
import { torchCommand } from '../../scripts/train/engines/torch.js';
import { hold } from '../../scripts/train/hold.js';
import { dataOf, prepareRun } from '../../scripts/train/run.js';
import { packageRoot } from '../../src/assets/node.js';
import {
  historyOf,
  lastWeights,
  python,
  runPython,
  SMOKE,
  script,
  smokeHistory,
  start,
  torchEngine,
  torchrun,
} from '../support/training.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-training-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);

/** Largest difference of two runs' weights, and the largest weight. */
function compare(one: string, other: string): { apart: number; largest: number } {
  let [apart, largest] = [0, 0];
  const others = lastWeights(other);
  for (const [name, { data }] of lastWeights(one))
    data.forEach((value, place) => {
      apart = Math.max(apart, Math.abs(value - (others.get(name)?.data[place] as number)));
      largest = Math.max(largest, Math.abs(value));
    });
  return { apart, largest };
}

/** When a file was last written, in milliseconds as Date.now(); 0 where there is none. */
const writtenAt = (file: string) => (existsSync(file) ? statSync(file).mtimeMs : 0);

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((wake) => setTimeout(wake, 20));
}

const smoke = readConfiguration(SMOKE);
// Also for the compiler: smoke.json's network is no baseline.
const { architecture } = smoke;
if ('baseline' in architecture) throw new Error('smoke.json trains a baseline');

/** A run's folder, ready for the engine, by smoke.json with changes. */
function prepared(name: string, changes: Partial<Configuration> = {}): string {
  prepareRun(at(name), { ...smoke, ...changes }, { engine: 'torch', resume: false });
  return at(name);
}

/** The engine's exit code, and what it says, for each of some command lines: torch is imported once for all. */
function endsOf(commands: string[][]): [code: number, said: string][] {
  const code = `
import contextlib, io, json, sys
import train
def end(command):
    sys.argv, said = command, io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            train.main()
            code = 0
        except SystemExit as stopped:
            code = stopped.code
    return code, said.getvalue()
print(json.dumps([end(command) for command in json.loads(sys.argv[1])]))`;
  return JSON.parse(runPython(code, undefined, JSON.stringify(commands)).toString());
}

describe.skipIf(!python)('training by torch', () => {
  const data = at('whole', 'data');
  /** Seconds of `npm run train -- --config smoke.json`. */
  let seconds = 0;
  beforeAll(async () => {
    const start = performance.now();
    const { code, said } = await script('train', '--config', SMOKE, '--run', at('whole')).ended;
    seconds = (performance.now() - start) / 1000;
    expect(code, said).toBe(0);
  }, 240_000);

  it('takes generated data and less than a minute of an idle machine, and learns', () => {
    console.log(`smoke.json by torch: ${seconds.toFixed(1)} s`);
    const history = smokeHistory(at('whole'));
    for (const row of history)
      for (const name of ['trainAccuracy', 'publicAccuracy', 'publicRecall'])
        expect(row[name], name).toBeGreaterThan(0);
    const engine = JSON.parse(readFileSync(at('whole', 'engine.json'), 'utf8'));
    expect(engine).toMatchObject({ engine: 'torch', processes: 1, device: 'cpu' });
    expect(engine.parameters).toBeGreaterThan(1e5);
  });

  it('ends with the same weights and history when it is killed at random moments and resumed', async () => {
    cpSync(at('whole'), at('killed'), {
      recursive: true,
      filter: (file) => !/history|checkpoint|last|best/.test(file),
    });
    // A checkpoint after every few steps, so that most of them lie within an epoch.
    const often = ['--checkpoint-seconds', '0.2'];
    for (const delay of [Math.random(), Math.random()]) {
      const begun = Date.now();
      const running = torchEngine(at('killed'), data, ...often);
      await until(() => writtenAt(at('killed', 'checkpoint.pt')) > begun);
      expect(() => hold(at('killed'))).toThrow(`is held by process ${running.child.pid} on`);
      await new Promise((done) => setTimeout(done, 500 * delay));
      running.kill();
      expect((await running.ended).code, `after ${500 * delay} ms`).toBe(null);
      hold(at('killed'))();
    }
    const before = existsSync(at('killed', 'last.safetensors')) ? lastWeights(at('killed')) : undefined;
    const { code, said } = await torchEngine(at('killed'), data, ...often).ended;
    expect(code, said).toBe(0);
    expect(compare(at('killed'), at('whole')).apart).toBe(0);
    expect(historyOf(at('killed'))).toEqual(historyOf(at('whole')));
    expect(before).not.toEqual(lastWeights(at('whole'))); // the control: it had not ended
  }, 240_000);

  it('does not begin beside another', async () => {
    const release = hold(at('whole'));
    const { code, said } = await torchEngine(at('whole'), data).ended;
    release();
    expect([code, said]).toEqual([1, expect.stringContaining(`is held by process ${process.pid} on`)]);
    expect(said).not.toContain('Traceback');
  }, 60_000);

  it.each([
    [[]],
    [['--seconds', '5']],
  ])('does not overwrite a run when it is called by hand with %j', async (more) => {
    const before = readFileSync(at('whole', 'best.safetensors'));
    const [train, ...options] = torchCommand({ run: at('whole'), data, processes: 1, more });
    const command = [train as string, ...options.filter((option) => option !== '--resume')];
    const { code, said } = await start(python as string, command).ended;
    expect([code, said]).toEqual([
      1,
      `error: ${at('whole')} holds a run: --resume goes on with it, --run names another\n`,
    ]);
    expect(readFileSync(at('whole', 'best.safetensors'))).toEqual(before);
  }, 60_000);

  it('does not overwrite a run, nor go on with one of another configuration', async () => {
    const { code, said } = await script('train', '--config', SMOKE, '--run', at('whole')).ended;
    expect([code, said]).toEqual([
      1,
      expect.stringContaining(`error: ${at('whole')} holds a run: --resume goes on with it`),
    ]);
    expect(() => prepareRun(at('whole'), { ...smoke, seed: 2 }, { engine: 'torch', resume: true })).toThrow(
      `${at('whole')} holds a run of another seed`,
    );
  }, 60_000);

  it('in two processes goes on with a run of one, and ends with the weights and history of one', async () => {
    // Dropout and stochastic depth, which each process draws for itself, are off.
    const one = prepared('one', {
      images: 32, // two epochs end
      preciseNorm: 33, // which no two processes share evenly
      optimizer: { ...smoke.optimizer, kind: 'sgd', learningRate: 0.05, sam: 0.02 },
      architecture: { ...architecture, dropout: 0, head: { maps: true, features: true, dropout: 0 } },
      stochasticDepth: 0,
    });
    const begun = await torchEngine(one, data, '--steps', '1').ended;
    expect(begun.code, begun.said).toBe(0);
    cpSync(one, at('two'), { recursive: true });
    const single = await torchEngine(one, data, '--steps', '5').ended;
    expect(single.code, single.said).toBe(0);
    const history = at('two', 'history.jsonl');
    const shared = torchrun(at('two'), data, '--steps', '5');
    await until(() => existsSync(history) || shared.child.exitCode !== null);
    expect(() => hold(at('two'))).toThrow('is held by process');
    const { code, said } = await shared.ended;
    expect(code, said).toBe(0);
    const { apart, largest } = compare(at('two'), one);
    console.log(`two processes and one: weights ${apart} apart, the largest is ${largest}`);
    // float32 sums in another order, and ReLUs near zero that open or close by the last bit.
    expect(apart).toBeLessThan(1e-4 * largest);
    const losses = (run: string) => historyOf(run).flatMap(({ loss, publicLoss }) => [loss, publicLoss]);
    expect(losses(one)).toHaveLength(4);
    losses(at('two')).forEach((loss, place) => {
      expect(loss).toBeCloseTo(losses(one)[place] as number, 4);
    });
    // The control: another recipe is further away.
    expect(compare(at('two'), at('whole')).apart).toBeGreaterThan(1e-3 * largest);
  }, 240_000);

  it('refuses pictures to count on that some process would have none of', () => {
    const code = `
import sys
from types import SimpleNamespace
from files import Fault
from training import Training
for pictures, count in [(2, 3), (3, 3), (0, 3)]:
    training = Training.__new__(Training)
    training.device, training.processes = "cpu", SimpleNamespace(count=count)
    training.config = {"images": None, "preciseNorm": pictures, "labels": {"ferplus": 0.5}}
    try:
        training.read_data(sys.argv[1])
        print("taken")
    except Fault as fault:
        print(fault)`;
    expect(runPython(code, undefined, data).toString()).toBe(
      "preciseNorm's 2 pictures cannot be shared by 3 processes\ntaken\ntaken\n",
    );
  });

  it('learns from an ensemble of teachers, which its folder then holds', async () => {
    // A run, and a published model.
    const teachers = [at('whole'), join(packageRoot(), 'models', 'mien-v1')];
    const run = prepared('pupil', { distillation: { teachers, weight: 1, temperature: 2 } });
    // An epoch.
    const taught = await torchEngine(run, data, '--steps', '7').ended;
    expect(taught.code, taught.said).toBe(0);
    expect(readdirSync(join(run, 'teachers', '1')).sort()).toEqual(['architecture.json', 'best.safetensors']);
    // All else is alike: with a weight of 1 the labels say nothing, so the teachers have taught this.
    const [own, untaught] = [run, at('whole')].map((each) => historyOf(each)[0]?.publicLoss as number);
    expect(Math.abs((own as number) - (untaught as number))).toBeGreaterThan(1e-3);
  }, 240_000);

  it('trains as many epochs as fit into a time, as if they had been asked for', async () => {
    // Epochs of two steps, of which some fit.
    const changes = { stages: [{ side: 24, epochs: 1, batch: 16 }], images: 32, preciseNorm: 0 };
    const run = prepared('fitted', changes);
    const start = performance.now();
    const fitted = await torchEngine(run, data, '--seconds', '8').ended;
    const took = (performance.now() - start) / 1000;
    expect(fitted.code, fitted.said).toBe(0);
    const [stage] = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')).stages;
    expect(fitted.said).toContain(`${stage.epochs} epochs fit into 8 s`);
    console.log(`${stage.epochs} epochs fit into 8 s; with Python's start it took ${took.toFixed(1)} s`);
    // Other tests may take the cores meanwhile.
    expect(took).toBeGreaterThan(4);
    expect(took).toBeLessThan(60);
    const plain = await torchEngine(prepared('asked', { ...changes, stages: [stage] }), data).ended;
    expect(plain.code, plain.said).toBe(0);
    expect(compare(run, at('asked')).apart).toBe(0);
  }, 240_000);

  it('says where the time goes and what the device could do', async () => {
    const options = ['--config', SMOKE, '--run', at('whole'), '--profile', '--steps', '2'];
    const before = readFileSync(at('whole', 'checkpoint.pt'));
    const { code, said } = await script('train', ...options).ended;
    expect(code, said).toBe(0);
    for (const words of ['roofs, measured', 'side 16, batch 16:', 'side 24, batch 16:', 'images/s', 'GFLOP'])
      expect(said).toContain(words);
    for (const part of ['loading', 'augmentation', 'forward', 'backward', 'step'])
      expect(said).toMatch(new RegExp(`${part} +[\\d.]+ ms a step +[\\d.]+%`));
    expect(readFileSync(at('whole', 'checkpoint.pt')).equals(before)).toBe(true);
  }, 120_000);

  it('names a damaged checkpoint, weights, data and teachers that do not fit, and what it cannot do', () => {
    cpSync(at('whole'), at('damaged'), { recursive: true });
    const checkpoint = readFileSync(at('whole', 'checkpoint.pt'));
    writeFileSync(at('damaged', 'checkpoint.pt'), checkpoint.subarray(0, 1e6));
    cpSync(at('whole'), at('lost'), { recursive: true });
    rmSync(at('lost', 'checkpoint.pt'));
    const lost = `${at('lost')} holds a run without its checkpoint`;
    expect(() => prepared('lost')).toThrow(lost);
    cpSync(data, at('cut'), { recursive: true });
    writeFileSync(at('cut', 'labels.u8'), 'x');
    const untrained = prepared('untrained');
    const distillation = { teachers: [untrained], weight: 1, temperature: 2 };
    const command = (run: string, folder = data, ...more: string[]) =>
      torchCommand({ run, data: folder, processes: 1, more });
    const refused: [command: string[], words: string][] = [
      [command(at('damaged')), `${at('damaged', 'checkpoint.pt')} is damaged`],
      [command(at('lost')), lost],
      [command(at('whole'), at('cut')), `${at('cut', 'labels.u8')} is not the`],
      [command(prepared('init', { init: 'models/mien-v1/weights.safetensors' })), `${at('init', 'init')}`],
      [
        command(prepared('lacking', { distillation })),
        `the teacher ${untrained} is neither a finished run nor a model`,
      ],
      [command(prepared('stages'), data, '--seconds', '9'), 'only the epochs of a run of one stage'],
      [command(at('whole'), data, '--seconds', '9'), '--seconds fits only a run that has not begun'],
      [command(untrained, data, '--seconds', '9', '--profile'), '--seconds fits epochs to a run'],
    ];
    const ends = endsOf(refused.map(([options]) => options));
    refused.forEach(([, words], at) => {
      expect(ends[at]).toEqual([1, expect.stringMatching(/^error: [^\n]*\n$/)]);
      expect(ends[at]?.[1]).toContain(`error: ${words}`);
    });
    expect(compare(at('lost'), at('whole')).apart).toBe(0);
  }, 120_000);
});

const mounted = at('full');
mkdirSync(mounted);
const disk = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mounted]).status === 0;
if (!disk) console.warn('skipped: training on a full disk; a small disk cannot be mounted here (root can)');
afterAll(() => {
  if (disk) spawnSync('umount', [mounted]);
});

describe.skipIf(!python || !disk)('a full disk', () => {
  it('ends training with its name, and leaves nothing half-written', async () => {
    const run = join(mounted, 'run');
    const config = at('small.json');
    // Small enough for a first checkpoint; then the disk is filled.
    const stages = [{ side: 24, epochs: 4, batch: 16 }];
    const small = { ...smoke, architecture: { ...architecture, width: 0.25 }, stages };
    writeFileSync(config, JSON.stringify(small));
    prepareRun(run, small, { engine: 'torch', resume: false });
    const data = dataOf(run, small, undefined);
    const often = ['--checkpoint-seconds', '0'];
    const first = await torchEngine(run, data, ...often, '--steps', '2').ended;
    expect(first.code, first.said).toBe(0);
    const before = readFileSync(join(run, 'checkpoint.pt'));
    // All of it for the launcher, all but a little for the engine, whose record can be written.
    const fill = (spared: number) => {
      const filler = join(mounted, 'filler');
      spawnSync('sh', ['-c', `cat /dev/zero > ${filler}; truncate -s -${spared} ${filler}`]);
    };
    fill(0);
    const second = await script('train', '--config', config, '--run', run, '--resume').ended;
    expect(second.code).toBe(1);
    expect(second.said).toMatch(/error: cannot write .*: .*no space left on device/i);
    fill(65536);
    const third = await torchEngine(run, data, ...often).ended;
    expect(third.code).toBe(1);
    expect(third.said).toContain(
      `error: cannot write ${join(run, 'checkpoint.pt')}: No space left on device`,
    );
    expect(third.said).not.toContain('Traceback');
    expect(readFileSync(join(run, 'checkpoint.pt')).equals(before)).toBe(true);
    expect(readdirSync(run).filter((name) => name.endsWith('.part'))).toEqual([]);
  }, 240_000);
});
