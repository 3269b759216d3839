import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A Python that can import all these modules: $PYTHON, .venv's or python3; undefined where there is none. */
export function pythonWith(...modules: string[]): string | undefined {
  const venv = join('.venv', 'bin', 'python');
  const candidates = process.env.PYTHON
    ? [process.env.PYTHON]
    : [...(existsSync(venv) ? [venv] : []), 'python3'];
  return candidates.find(
    (python) => spawnSync(python, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' }).status === 0,
  );
}
