import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const VENV = fileURLToPath(new URL('../../.venv/bin/', import.meta.url));

/**
 * A command of requirements.txt: infra/.venv's (`npm run setup:checks`), else the machine's; undefined, with a warning
 * that says what is skipped, where neither runs.
 *
 * @param probe arguments with which it succeeds
 */
export function tool(name: string, skipped: string, probe = ['--version']): string | undefined {
  const own = VENV + name;
  const found = [own, name].find(
    (path) => (path === name || existsSync(path)) && spawnSync(path, probe, { stdio: 'ignore' }).status === 0,
  );
  if (!found) console.warn(`skipped: ${skipped}; ${name} is not installed (npm run setup:checks)`);
  return found;
}
