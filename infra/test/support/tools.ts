import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** infra/.venv's, which `npm run setup:checks` makes, then the machine's. */
const FOLDERS = [
  fileURLToPath(new URL('../../.venv/bin', import.meta.url)),
  ...(process.env.PATH ?? '').split(delimiter),
];

/** Where a command of requirements.txt is, not run: some take seconds. Undefined, with a warning, where it is missing. */
export function tool(
  name: string,
  skipped: string,
  usable: (path: string) => boolean = existsSync,
): string | undefined {
  const found = FOLDERS.map((folder) => join(folder, name)).find(usable);
  if (!found) console.warn(`skipped: ${skipped}; ${name} is not installed (npm run setup:checks)`);
  return found;
}

/** A Python that has a module of requirements.txt. */
export function pythonWith(module: string, skipped: string): string | undefined {
  const look = `from importlib.util import find_spec; exit(not find_spec('${module}'))`;
  return tool('python3', skipped, (path) => spawnSync(path, ['-c', look]).status === 0);
}
