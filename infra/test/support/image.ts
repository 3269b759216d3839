/** Does what infra/Dockerfile says, without Docker, in folders: see `buildImage` for what stands in for what. */
import { type ChildProcess, execFile, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import dockerignore from '@balena/dockerignore';
import { fill, readDockerfile, type Stage, type Step } from './dockerfile.js';

export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);
const { args, stages } = readDockerfile();

export interface Image {
  /** The folder that is the container's root directory. */
  root: string;
  env: Record<string, string>;
  labels: Record<string, string>;
  workdir: string;
  /** `uid:gid`; empty is root. */
  user: string;
  entrypoint: string[];
  healthcheck: string[];
}

/** Builds images that share the stages they share, below one folder. */
export function builder(installer: NodeJS.ProcessEnv = {}) {
  const work = mkdtempSync(join(tmpdir(), 'mien-image-'));
  const built = new Map<string, Promise<Image>>();

  /**
   * Carries out the steps of a stage and of those that it takes from, with `--build-arg`s.
   *
   * An image of a registry is an empty folder with the libraries that Node and the addons link to; `npm ci` is a link
   * to the node_modules that are here; RUN in brackets runs in the folder as its root directory, other RUN on this
   * machine, with absolute paths below the stage's folder.
   */
  function buildImage(target: string, given: Record<string, string> = {}): Promise<Image> {
    const key = folderOf(target, given);
    const image = built.get(key) ?? carryOut(stages.get(target) as Stage, join(work, key), given);
    built.set(key, image);
    return image;
  }

  async function carryOut(
    { from, steps }: Stage,
    own: string,
    given: Record<string, string>,
  ): Promise<Image> {
    const image: Image = stages.has(from)
      ? structuredClone(await buildImage(from, given))
      : { root: own, env: {}, labels: {}, workdir: '/', user: '', entrypoint: [], healthcheck: [] };
    mkdirSync(join(own, 'tmp'), { recursive: true });
    chmodSync(join(own, 'tmp'), 0o1777);
    const values = { ...args, ...given };
    for (const step of steps) {
      if (step.keyword === 'COPY') await copy(step, image, given);
      else if (step.keyword === 'RUN') await runStep(step, image, own, values);
      else note(step, image, values);
    }
    return image;
  }

  async function copy({ words, flags }: Step, image: Image, given: Record<string, string>): Promise<void> {
    const last = words.at(-1) as string;
    const to = join(image.root, resolve(image.workdir, last));
    const sources = words.slice(0, -1);
    if (!flags.from) return copyContext(sources, to);
    await buildImage(flags.from, given);
    mkdirSync(dirname(to), { recursive: true });
    for (const source of sources) {
      const from = join(work, folderOf(flags.from, given), source);
      if (source === '/usr/local/bin/node') cpSync(process.execPath, to, { dereference: true });
      else if (lstatSync(from).isDirectory()) link(`${from}/.`, `${to}/`);
      else link(from, last.endsWith('/') ? join(to, basename(source)) : to);
    }
  }

  async function runStep({ words, exec }: Step, image: Image, own: string, values: Record<string, string>) {
    const cwd = join(image.root, image.workdir);
    const command = fill(words.join(' '), values);
    if (exec) await finish(enter(image, exec));
    else if (command === 'npm ci') symlinkSync(join(REPOSITORY, 'node_modules'), join(cwd, 'node_modules'));
    else {
      const inside = command.replace(/ (\/[\w/]+)/g, (_, path) => ` ${join(own, path)}`);
      const env = { ...process.env, ...installer };
      await run('sh', ['-c', `(${inside}) 2>&1`], { cwd, env, maxBuffer: 1 << 26 }).catch(({ stdout }) => {
        throw new Error(`RUN ${command}:\n${stdout}`);
      });
    }
  }

  return { work, buildImage };
}

/** A stage's folder: stages that read different arguments are different ones. */
function folderOf(name: string, given: Record<string, string>): string {
  const read = stages
    .get(name)
    ?.steps.flatMap(({ keyword, pairs }) => (keyword === 'ARG' ? Object.keys(pairs) : []));
  return [name, ...(read ?? []).flatMap((arg) => given[arg] ?? [])].join('-');
}

/** Keeps what a step says about how the image is to be run. */
function note(
  { keyword, words: [word = ''], pairs, exec = [] }: Step,
  image: Image,
  values: Record<string, string>,
) {
  const filled = () =>
    Object.fromEntries(Object.entries(pairs).map(([name, value]) => [name, fill(value ?? '', values)]));
  if (keyword === 'ENV') Object.assign(image.env, filled());
  else if (keyword === 'LABEL') Object.assign(image.labels, filled());
  else if (keyword === 'ARG') Object.assign(values, { ...pairs, ...values });
  else if (keyword === 'WORKDIR') image.workdir = word;
  else if (keyword === 'USER') image.user = word;
  else if (keyword === 'ENTRYPOINT') image.entrypoint = exec;
  else if (keyword === 'HEALTHCHECK') image.healthcheck = exec;
}

/** Copies files of the context: the repository's, as far as .dockerignore lets them in. */
function copyContext(sources: string[], to: string): void {
  const filter = dockerignore.default().add(readFileSync(join(REPOSITORY, '.dockerignore'), 'utf8'));
  const git = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const names = execFileSync('git', git, { cwd: REPOSITORY, encoding: 'utf8' }).trim().split('\n');
  for (const name of filter.filter(names)) {
    if (sources.includes('.')) cpSync(join(REPOSITORY, name), join(to, name));
    else if (sources.includes(name)) cpSync(join(REPOSITORY, name), join(to, basename(name)));
  }
}

/** Copies into what is there, as Docker does; by links, as it may be a gigabyte. */
function link(from: string, to: string): void {
  mkdirSync(to.endsWith('/') ? to : dirname(to), { recursive: true });
  execFileSync('cp', ['--archive', '--link', from, to]);
}

/** Mounts what Docker mounts, seen by this process alone, and becomes the command: signals reach it. */
const ENTER = `
root=$1 workdir=$2 uid=$3 gid=$4
shift 4
mount --bind /dev "$root/dev" && mount --bind /proc "$root/proc" || exit 125
exec unshare --root="$root" --wd="$workdir" --setuid="$uid" --setgid="$gid" "$@"`;

const furnished = new Set<string>();

/** Runs a command in the image, as its user, with nothing of this machine in reach but the kernel and the network. */
export function enter(
  image: Image,
  command: string[],
  options: SpawnOptions & { env?: NodeJS.ProcessEnv } = {},
) {
  if (!furnished.has(image.root)) addLibraries(image.root);
  furnished.add(image.root);
  const [uid, gid] = image.user ? image.user.split(':') : ['0', '0'];
  const { root, workdir, env } = image;
  const inside = [root, workdir, uid as string, gid as string, ...command];
  return spawn('unshare', ['--mount', 'sh', '-c', ENTER, 'sh', ...inside], {
    ...options,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...env, ...options.env } as NodeJS.ProcessEnv,
  });
}

/** Resolves with the exit code; the stage's build ends where it is not 0. */
export async function finish(child: ChildProcess): Promise<void> {
  const code = await new Promise((done) => child.once('exit', done));
  if (code !== 0) throw new Error(`${child.spawnargs.join(' ')}: exit ${code}`);
}

/** Gives the root directory what a base image has: the libraries that Node and the addons link to. */
function addLibraries(root: string): void {
  for (const name of ['dev', 'proc']) mkdirSync(join(root, name), { recursive: true });
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const binaries = names.filter((name) => /(^|\/)bin\/node$|\.node$|\/libtensorflow\w*\.so/.test(name));
  for (const binary of binaries) {
    const linked = execFileSync('ldd', [join(root, binary)], { encoding: 'utf8' });
    for (const [library] of linked.matchAll(/\/[^ \n]*\.so[^ \n]*/g)) {
      if (!library.startsWith(root)) cpSync(library, join(root, library), { dereference: true });
    }
  }
}
