import { spawn } from 'node:child_process';
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
  const code = await new Promise((done) => child.on('close', done));
  if (code !== 0) throw new MienError('internal', `${script} ended with code ${code}`);
}
