import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { MienError } from '../../../src/model/errors.js';
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

/**
 * Trains a run to its end, from its checkpoint if it has one; what the engine says goes to this process's output.
 * @throws {MienError} `backend_unavailable` without PyTorch; `invalid_data` where the engine fails, which says why itself
 */
export async function trainByTorch(options: TorchOptions): Promise<void> {
  const python = findPython();
  if (!python)
    throw new MienError('backend_unavailable', 'no Python has torch: npm run setup:torch installs it');
  const child = spawn(python, torchCommand(options), {
    stdio: 'inherit',
    // Threads that spin while they wait for each other take a busy machine's cores from the one that is waited for:
    // with others at work on two cores a small step took four to six times as long.
    env: { OMP_WAIT_POLICY: 'PASSIVE', ...process.env },
  });
  const code = await new Promise((done) => child.on('close', done));
  if (code !== 0) throw new MienError('invalid_data', `the torch engine ended with code ${code}`);
}
