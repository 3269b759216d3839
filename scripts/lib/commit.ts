import { spawnSync } from 'node:child_process';

const git = (...options: string[]) => spawnSync('git', options, { encoding: 'utf8' }).stdout?.trim() ?? '';

/** The commit that is checked out, so that figures can be traced to code; "+" marks changes not committed. */
export function commit(): string {
  const hash = git('rev-parse', 'HEAD');
  return hash ? `${hash}${git('status', '--porcelain', '--untracked-files=no') ? '+' : ''}` : 'unknown';
}
