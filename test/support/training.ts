import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { findPython, TORCH_ENGINE } from '../../scripts/lib/python.js';
import { torchCommand } from '../../scripts/train/engines/torch.js';
import { decodeSafetensors } from '../../src/model/weights.js';

/** A Python with torch; undefined, and said, where there is none. */
export const python = findPython();
if (!python) console.warn('skipped: the torch engine; no Python has torch (npm run setup:torch installs it)');

/** tiny, with every option on: see scripts/train/configs/smoke.json */
export const SMOKE = join('scripts', 'train', 'configs', 'smoke.json');

// One thread: two that share their cores with other tests spend their time waiting for each other.
const environment = { ...process.env, OMP_NUM_THREADS: '1' };

/** Runs Python with the torch engine's modules importable, and gives its output. */
export function runPython(code: string, input: Uint8Array = new Uint8Array(), ...more: string[]): Buffer {
  const { status, stdout, stderr } = spawnSync(python as string, ['-c', code, ...more], {
    input,
    maxBuffer: 1 << 28,
    env: { ...environment, PYTHONPATH: TORCH_ENGINE },
  });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

export interface Running {
  child: ChildProcess;
  /** Its exit code and all that it has said. */
  ended: Promise<{ code: number | null; said: string }>;
  /** Waits for a text in what it says. */
  says(text: string): Promise<void>;
  /** kill -9, with all that it has started. */
  kill(): void;
}

/** Starts a command in a group of its own. */
export function start(command: string, options: readonly string[]): Running {
  const child = spawn(command, options, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
    detached: true,
  });
  let said = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text: Buffer) => {
      said += text;
      for (const listen of listeners) listen();
    });
  const ended = new Promise<{ code: number | null; said: string }>((done) => {
    child.on('close', (code) => done({ code, said }));
  });
  return {
    child,
    ended,
    says: (text) =>
      new Promise((done) => {
        const listen = () => {
          if (said.includes(text)) done();
        };
        listeners.add(listen);
        listen();
      }),
    kill: () => process.kill(-(child.pid as number), 'SIGKILL'),
  };
}

/** One of the training stage's commands, as `npm run` would start it. */
export const script = (name: string, ...options: string[]): Running =>
  start(process.execPath, ['--import', 'tsx', join('scripts', 'train', `${name}.ts`), ...options]);

/** The torch engine on a run's folder, from its checkpoint if it has one. */
export const torchEngine = (run: string, data: string, ...more: string[]): Running =>
  start(python as string, torchCommand({ run, data, processes: 1, more }));

/** The same in two processes, by torchrun. */
export const torchrun = (run: string, data: string, ...more: string[]): Running =>
  start(python as string, torchCommand({ run, data, processes: 2, more }));

export const lastWeights = (run: string) => decodeSafetensors(readFileSync(join(run, 'last.safetensors')));

/** history.jsonl without the times, which no two runs share. */
export function historyOf(run: string): Record<string, number>[] {
  const lines = readFileSync(join(run, 'history.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const { seconds, ...row } = JSON.parse(line);
    if (!(seconds > 0)) throw new Error(`an epoch of ${seconds} seconds`);
    return row;
  });
}

/** The history of a run of smoke.json, which has gone through both stages and learned. */
export function smokeHistory(run: string): Record<string, number>[] {
  const history = historyOf(run);
  expect(history.map(({ epoch, side }) => [epoch, side])).toEqual([
    [1, 16],
    [2, 16],
    [3, 24],
    [4, 24],
  ]);
  expect(history[3]?.loss).toBeLessThan(history[0]?.loss as number);
  return history;
}
