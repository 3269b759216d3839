import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Folder of the torch engine, from the repository's root. */
export const TORCH_ENGINE = join('scripts', 'train', 'engines', 'torch');

/**
 * A Python that has all these modules: $PYTHON if set, else .venv's, else python3; undefined where none has.
 * A path is absolute, so that the caller may run it in any folder.
 */
export function pythonWith(...modules: string[]): string | undefined {
  const venv = resolve('.venv', 'bin', 'python');
  const candidates = process.env.PYTHON
    ? [process.env.PYTHON]
    : [...(existsSync(venv) ? [venv] : []), 'python3'];
  // Looked for, not imported: torch takes seconds.
  const look = 'import sys, importlib.util as u; sys.exit(not all(map(u.find_spec, sys.argv[1:])))';
  return candidates.find(
    (python) => spawnSync(python, ['-c', look, ...modules], { stdio: 'ignore' }).status === 0,
  );
}

/** A Python that has the torch engine's packages; `npm run setup:torch` makes the .venv that has. */
export function findPython(): string | undefined {
  return pythonWith('torch', 'numpy', 'safetensors', 'PIL');
}
