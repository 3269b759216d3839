import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { packageRoot } from '../../src/assets/node.js';
import type { BackendName } from '../../src/model/backends/index.js';
import { MienError } from '../../src/model/errors.js';
import { type Lock, type Manifest, production } from './production-lock.js';

export interface RootfsOptions {
  /** Folder to write to; it must be empty, or not there. */
  out: string;
  /** What is to infer: its package is installed, by its own installer. */
  backend: BackendName;
}

/** The package that a backend needs beyond package.json's dependencies. */
const PACKAGES: Record<BackendName, string | undefined> = {
  wasm: undefined,
  node: '@tensorflow/tfjs-node',
  'node-gpu': '@tensorflow/tfjs-node-gpu',
};

/** What of the build serves; dist/scripts is the package's command. */
const BUILT = ['dist/assets', 'dist/public', 'dist/src', 'models/mien-v1', 'LICENSE'];

/** Types, source maps, sources of addons, pages for readers and tests: what no running server reads. */
const NOT_RUN = [
  /\.[cm]?ts$/,
  /\.map$/,
  /\.md$/,
  /\.(cc|h|o)$/,
  /_test\.js$/,
  /[.](test|spec)\.[cm]?js$/,
  /\/(test|tests|__tests__)\//,
  /\/deps\/include\//,
  /\/build(-tmp-[\w-]+)?\/Release\//,
];

/**
 * Lays out the application's folder of the container image: what is built, the model, and the packages that serve,
 * at the versions and hashes of package-lock.json (and infra/native's, for a native backend).
 *
 * @returns bytes by entry
 * @throws MienError `invalid_data` where the folder is not empty or nothing is built; Error where npm fails
 */
export function makeRootfs({ out, backend }: RootfsOptions): Record<string, number> {
  const root = packageRoot();
  const folder = resolve(out);
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new MienError('invalid_data', `${folder} is not empty: give --out another one.`);
  }
  mkdirSync(folder, { recursive: true });
  install(root, folder, PACKAGES[backend]);
  for (const name of BUILT) cpSync(join(root, name), join(folder, name), { recursive: true });
  leaveOut(folder);
  return Object.fromEntries(readdirSync(folder).map((name) => [name, size(join(folder, name))]));
}

function install(root: string, folder: string, extra: string | undefined): void {
  const read = (...path: string[]) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));
  const { manifest, lock } = production(
    read('package.json') as Manifest,
    read('package-lock.json') as Lock,
    extra ? { name: extra, lock: read('infra', 'native', 'package-lock.json') } : undefined,
  );
  const write = (name: string, content: unknown) =>
    writeFileSync(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
  write('package.json', manifest);
  write('package-lock.json', lock);
  // No package's scripts run but those of the one whose installer is needed.
  npm(folder, 'ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline');
  if (extra) npm(folder, 'rebuild', extra);
  rmSync(join(folder, 'package-lock.json'));
}

function npm(cwd: string, ...args: string[]): void {
  // Windows finds npm only through a shell. What npm says goes to stderr: stdout is the caller's.
  const { status } = spawnSync(['npm', ...args].join(' '), { cwd, shell: true, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`npm ${args[0]} failed in ${cwd}.`);
}

function leaveOut(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const inside = path.slice(folder.length);
    if (!entry.isDirectory() && NOT_RUN.some((pattern) => pattern.test(inside))) rmSync(path);
  }
}

function size(path: string): number {
  const stats = lstatSync(path);
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(path).reduce((sum, name) => sum + size(join(path, name)), 0);
}
