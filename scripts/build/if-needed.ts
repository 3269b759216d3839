/** Runs `npm run build` unless `dist` is whole and newer than what it is made of, so that `npm start` just works. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/assets/node.js';

const SOURCES = [
  'src',
  'web',
  'models',
  'scripts/build',
  'scripts/lib',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
];
/** The last file that the compiler writes is not known, but it writes them all or none (noEmitOnError). */
const BUILT = 'dist/src/handlers/node.js';
const ASSETS = [
  'dist/assets/blazeface.json',
  'dist/assets/blazeface.bin',
  'dist/assets/kernels.wasm',
  'dist/assets/kernels-relaxed.wasm',
  'dist/assets/page.html',
  'dist/assets/docs.html',
  'dist/assets/openapi.json',
  'dist/public/browser/mien.js',
];

const root = packageRoot();
const path = (name: string) => join(root, name);

/** The latest change below a path, milliseconds; a folder's own time counts, since it tells of deletions. */
function newest(name: string): number {
  const stats = statSync(name);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(name).map((entry) => newest(join(name, entry))));
}

function upToDate(): boolean {
  if (![BUILT, ...ASSETS].map(path).every((file) => existsSync(file))) return false;
  return Math.max(...SOURCES.map(path).map(newest)) <= statSync(path(BUILT)).mtimeMs;
}

if (!upToDate()) {
  // Windows finds npm only through a shell.
  const { status } = spawnSync('npm run --silent build', { cwd: root, stdio: 'inherit', shell: true });
  process.exitCode = status ?? 1;
}
