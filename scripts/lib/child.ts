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

/**
 * Waits for a child's end, and gives its exit code. A signal that ends this process ends the child before, which would go
 * on otherwise and write beside whoever resumes its run.
 */
export async function ended(child: ChildProcess): Promise<number | null> {
  let stopped: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals) => {
    stopped = signal;
    child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  const code = await new Promise<number | null>((done) => child.on('close', done));
  for (const signal of SIGNALS) process.off(signal, stop);
  if (!stopped) return code;
  // Nothing is begun after it. Where several run beside each other, this process ends with the last of them.
  process.kill(process.pid, stopped);
  return new Promise(() => {});
}
