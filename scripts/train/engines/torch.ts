import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { MienError } from '../../../src/model/errors.js';
import { ended } from '../../lib/child.js';
import { findPython, TORCH_ENGINE } from '../../lib/python.js';

/** What the torch engine is told beside the run's folder. */
export interface TorchOptions {
  run: string;
  data: string;
  /** Processes that share each batch, a GPU each. */
  processes: number;
  /** Arguments of train.py that are handed on as they are. */
  more: string[];
}

/** Its command after `python`. */
export function torchCommand({ run, data, processes, more }: TorchOptions): string[] {
  // Without the two dashes torchrun takes --run for an option of its own.
  const launcher =
    processes > 1
      ? ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', String(processes), '--']
      : [];
  return [...launcher, join(TORCH_ENGINE, 'train.py'), '--run', run, '--data', data, '--resume', ...more];
}

/** One of several runs beside each other. */
export interface Beside {
  /** What its lines begin with. */
  name: string;
  /** CPU threads that it may use. */
  threads: number;
}

/**
 * Trains a run to its end, from its checkpoint if it has one; what the engine says goes to this process's output.
 * @throws {MienError} `backend_unavailable` without PyTorch; `invalid_data` where the engine fails, which says why itself
 */
export async function trainByTorch(options: TorchOptions, beside?: Beside): Promise<void> {
  const python = findPython();
  if (!python)
    throw new MienError('backend_unavailable', 'no Python has torch: npm run setup:torch installs it');
  const child = spawn(python, torchCommand(options), {
    stdio: beside ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    // Threads that spin while they wait for each other take a busy machine's cores from the one that is waited for:
    // with others at work on two cores a small step took four to six times as long.
    env: {
      OMP_WAIT_POLICY: 'PASSIVE',
      ...(beside && { OMP_NUM_THREADS: String(beside.threads) }),
      ...process.env,
    },
  });
  if (beside) forwardLines(child, beside.name);
  const code = await ended(child);
  if (code !== 0)
    throw new MienError('invalid_data', `${options.run}: the torch engine ended with code ${code}`);
}

/** Hands on what a process says, each line with a name. */
function forwardLines({ stdout, stderr }: ChildProcess, name: string): void {
  if (stdout) createInterface(stdout).on('line', (line) => console.log(`${name}: ${line}`));
  if (stderr) createInterface(stderr).on('line', (line) => console.error(`${name}: ${line}`));
}
