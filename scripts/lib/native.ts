import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { MienError } from '../../src/model/errors.js';

export type NativePackage = 'tfjs-node' | 'tfjs-node-gpu';

/** The release of pip's tensorflow-cpu whose library the addon is built against. */
const WHEEL = 'tensorflow-cpu==2.21.0';
/** The file of libtensorflow's that tfjs-node's installer asks for, on Linux. */
const LIBRARY = 'libtensorflow.so.2.9.1';
/** mien's own copies serve both: tensors of another copy would be strangers. */
const SHARED = ['tfjs-core', 'tfjs-converter'];

const say = (message: string) => console.log(`setup:native: ${message}`);

/**
 * Installs one of tfjs-node's packages in a folder beside mien's node_modules. It is made beside the folder and takes its
 * place when it works, so that a failure leaves what was there.
 *
 * @throws MienError `backend_unavailable`, saying what is missing
 */
export async function setUpNative(name: NativePackage, folder: string): Promise<void> {
  const version = createRequire(import.meta.url)('@tensorflow/tfjs-core/package.json').version as string;
  if (installed(folder, name) === version && !whyNotLoading(folder, name)) {
    say(`@tensorflow/${name} ${version} is in ${folder} already`);
    return;
  }
  const made = `${folder}.${process.pid}.part`;
  try {
    installPackage(made, name, version);
    if (!(await byItsInstaller(made, name))) byWheel(made, name);
    const reason = whyNotLoading(made, name);
    if (reason) throw unavailable(`@tensorflow/${name} is built and does not load: ${reason}`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(made, folder);
    say(`@tensorflow/${name} ${version} is in ${folder}`);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

const unavailable = (message: string) => new MienError('backend_unavailable', message);

const packageFolder = (folder: string, name: string) => join(folder, 'node_modules', '@tensorflow', name);

function installed(folder: string, name: string): string | undefined {
  const manifest = join(packageFolder(folder, name), 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
}

/** Runs a command; its output is shown where it fails. */
function run(command: string, args: string[], cwd: string, env: Record<string, string> = {}): void {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (error) throw unavailable(`${command} does not start: ${error.message}`);
  if (status !== 0) throw unavailable(`${command} ${args[0]} failed:\n${tail(stdout)}${tail(stderr)}`);
}

const tail = (text: string) => text.slice(-3000);

/** undefined where the package loads and computes, in a process of its own. */
function whyNotLoading(folder: string, name: NativePackage): string | undefined {
  const script = `const tf = require(${JSON.stringify(packageFolder(folder, name))});
    if (tf.getBackend() !== 'tensorflow' || tf.add(1, 1).dataSync()[0] !== 2) throw new Error('1 + 1 is not 2');`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  return status === 0 ? undefined : tail(stderr);
}

function installPackage(folder: string, name: NativePackage, version: string): void {
  say(`installing @tensorflow/${name} ${version}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
  const options = ['--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
  run('npm', ['install', `@tensorflow/${name}@${version}`, ...options], folder);
  for (const shared of SHARED) rmSync(packageFolder(folder, shared), { recursive: true, force: true });
}

/** The package's own way: a prebuilt addon and Google's libtensorflow. False where that cannot be downloaded. */
async function byItsInstaller(folder: string, name: NativePackage): Promise<boolean> {
  const { env, platform } = process;
  const host = env.TFJS_NODE_CDN_STORAGE ?? 'https://storage.googleapis.com/';
  const base = env.TFJS_NODE_BASE_URI ?? `${host}tensorflow/libtensorflow/libtensorflow-`;
  const address = `${base}${name === 'tfjs-node' ? 'cpu' : 'gpu'}-linux-x86_64-2.9.1.tar.gz`;
  const options = { method: 'HEAD', signal: AbortSignal.timeout(10_000) };
  const reachable = await fetch(address, options).then(
    ({ ok }) => ok,
    () => false,
  );
  if (!reachable && platform === 'linux') {
    say(`${new URL(address).host} is out of reach`);
    return false;
  }
  say('running its installer');
  run('npm', ['rebuild', `@tensorflow/${name}`], folder);
  return true;
}

/** Builds the addon against the library and the headers in pip's wheel. It computes on the CPU alone. */
function byWheel(folder: string, name: NativePackage): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw unavailable(`pip has no ${WHEEL} with libtensorflow for ${process.platform} on ${process.arch}.`);
  }
  say(`building it against the library of pip's ${WHEEL}, some 280 MB`);
  // Whichever Python runs pip: it is not Python that the wheel is for.
  const wheel = [
    '--no-deps',
    '--only-binary=:all:',
    '--platform=manylinux_2_27_x86_64',
    '--python-version=3.12',
  ];
  run('python3', ['-m', 'pip', 'download', '--quiet', ...wheel, '--dest=wheel', WHEEL], folder);
  run('python3', ['-c', UNPACK], folder);
  const target = packageFolder(folder, name);
  const [deps, lib] = [join(target, 'deps'), join(target, 'deps', 'lib')];
  mkdirSync(lib, { recursive: true });
  renameSync(join(folder, 'tensorflow', 'include'), join(deps, 'include'));
  for (const [file, ...links] of LIBRARIES) {
    renameSync(join(folder, 'tensorflow', file), join(lib, file));
    for (const link of links) symlinkSync(file, join(lib, link));
  }
  const build = join(folder, 'node_modules', '.bin', 'node-pre-gyp');
  run(build, ['install', '--build-from-source'], target, headersOfNode());
  for (const left of [
    join(deps, 'include'),
    join(target, 'build'),
    join(folder, 'wheel'),
    join(folder, 'tensorflow'),
  ])
    rmSync(left, { recursive: true, force: true });
}

/** Files of the wheel, and the names by which the addon is linked to them. */
const LIBRARIES: [file: string, ...links: string[]][] = [
  ['libtensorflow_cc.so.2', 'libtensorflow.so', LIBRARY],
  ['libtensorflow_framework.so.2', 'libtensorflow_framework.so'],
];

const UNPACK = `
import glob, zipfile
with zipfile.ZipFile(glob.glob("wheel/*.whl")[0]) as wheel:
    for name in wheel.namelist():
        if name.startswith(("tensorflow/include/", "tensorflow/libtensorflow")):
            wheel.extract(name)
`;

/** Node's headers stand beside it in most installations; where they do not, node-gyp downloads them. */
function headersOfNode(): Record<string, string> {
  const folder = dirname(dirname(process.execPath));
  return existsSync(join(folder, 'include', 'node', 'node_api.h')) ? { npm_config_nodedir: folder } : {};
}
