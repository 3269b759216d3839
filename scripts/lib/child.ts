import { type ChildProcess, spawn } from 'node:child_process';
import { MienError } from '../../src/model/errors.js';

/**
 * Runs another of our commands to its end, in a process of its own; what it says goes to standard error, so that standard
 * output is the caller's.
 * @param script from the repository's root, such as scripts/train/train.ts
 * @throws {MienError} `internal` where it fails, which it has said itself
 */
export async function runCommand(script: string, options: string[]): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...options], {
    stdio: ['ignore', process.stderr, 'inherit'],
  });
  const code = await ended(child);
  if (code !== 0) throw new MienError('internal', `${script} ended with code ${code}`);
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

const running = new Set<ChildProcess>();
let stopped: NodeJS.Signals | undefined;

function stop(signal: NodeJS.Signals): void {
  stopped = signal;
  for (const child of running) child.kill(signal);
}

/**
 * Waits for a child's end, and gives its exit code. A signal that ends this process ends its children before, which would
 * go on otherwise and write beside whoever resumes their runs; this process ends with the last of them.
 */
export async function ended(child: ChildProcess): Promise<number | null> {
  if (running.size === 0) for (const signal of SIGNALS) process.on(signal, stop);
  running.add(child);
  const code = await new Promise<number | null>((done) => child.on('close', done));
  running.delete(child);
  if (running.size === 0) {
    for (const signal of SIGNALS) process.off(signal, stop);
    if (stopped) process.kill(process.pid, stopped);
  }
  // Nothing is begun after a signal.
  return stopped ? new Promise(() => {}) : code;
}
