import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Folder of the torch engine, from the repository's root. */
export const TORCH_ENGINE = join('scripts', 'train', 'engines', 'torch');

/**
 * A Python that has the torch engine's packages: $PYTHON if set, else .venv's, else python3. Undefined where none has
 * them; `npm run setup:torch` makes the .venv.
 */
export function findPython(): string | undefined {
  const venv = join('.venv', 'bin', 'python');
  const candidates = process.env.PYTHON
    ? [process.env.PYTHON]
    : [...(existsSync(venv) ? [venv] : []), 'python3'];
  const probe = ['-c', 'import torch, numpy, safetensors, PIL'];
  return candidates.find((python) => spawnSync(python, probe, { stdio: 'ignore' }).status === 0);
}
