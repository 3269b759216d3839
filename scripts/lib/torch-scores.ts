import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { MienError } from '../../src/model/errors.js';
import { findPython, TORCH_ENGINE } from './python.js';

/**
 * Scores crops (uint8 [n, 48, 48]) by the torch engine, in float32 on the CPU: float32 [n, 7].
 * @throws {MienError} `backend_unavailable` where no Python has torch; `internal`, with what torch said
 */
export async function scoreByTorch(
  files: { architecture: string; weights: string },
  crops: Uint8Array,
): Promise<Float32Array> {
  const python = findPython();
  if (!python)
    throw new MienError('backend_unavailable', 'no Python has torch: npm run setup:torch installs it');
  const options = ['--architecture', files.architecture, '--weights', files.weights];
  const child = spawn(python, [join(TORCH_ENGINE, 'classify.py'), ...options]);
  const [scores, said]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (bytes) => scores.push(bytes));
  child.stderr.on('data', (bytes) => said.push(bytes));
  // A child that has died of something else closes its input: that it says itself.
  child.stdin.on('error', () => {});
  child.stdin.end(crops);
  const code = await new Promise((done) => child.on('close', done));
  if (code !== 0) throw new MienError('internal', `torch failed: ${Buffer.concat(said)}`);
  return new Float32Array(new Uint8Array(Buffer.concat(scores)).buffer);
}
