/** The images, built from infra/Dockerfile without Docker, and the server that runs from them. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Container, freePort, start, untilOk } from './support/container.js';
import { hasNative, serveDownloads } from './support/downloads.js';
import { builder, enter, type Image, REPOSITORY } from './support/image.js';

const isolated = process.platform === 'linux' && process.getuid?.() === 0;
if (!isolated) console.warn('skipped: the images; only root on Linux may change the root directory');
if (!hasNative) console.warn('skipped: the images with libtensorflow; `npm run setup:native` has not run');

const PHOTO = readFileSync(join(REPOSITORY, 'test', 'fixtures', 'astronaut.png'));
const README = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
/** What README.md says that the photo scores. */
const HAPPY = Number(/"happy", "score": ([\d.]+)/.exec(README)?.[1]);
const KEY = 'astronauts-only';
const API_KEYS = createHash('sha256').update(KEY).digest('hex');

const TOP_LEVEL = /^node_modules\/(@[^/]+\/)?[^/.@][^/]*$/;
const BACKENDS = ['node_modules/@tensorflow/tfjs-node', 'node_modules/@tensorflow/tfjs-node-gpu'];

interface Case {
  target: string;
  /** What the image is made for. */
  backend: string;
  /** `-e` that it runs with here, and what then infers: there is no GPU, so its image is told to make do. */
  env: Record<string, string>;
  used: string;
  /** Bytes below /app that are ours and the packages': measured 50 MB, and room for updates. */
  most: number;
}

const CASES: Case[] = [
  { target: 'cpu', backend: 'wasm', env: {}, used: 'wasm', most: 60e6 },
  ...(hasNative
    ? [
        { target: 'cpu', backend: 'node', env: {}, used: 'node', most: 120e6 },
        { target: 'gpu', backend: 'node-gpu', env: { BACKEND: 'auto' }, used: 'node', most: 120e6 },
      ]
    : []),
];

const downloads = hasNative ? await serveDownloads() : undefined;
const { work, buildImage } = builder(downloads?.env);

afterAll(() => {
  downloads?.close();
  rmSync(work, { recursive: true, force: true });
});

describe.skipIf(!isolated).each(CASES)('the image $target with $backend', (each) => {
  const { target, backend, env: told, used, most } = each;
  let image: Image;
  let files: string[];

  beforeAll(async () => {
    image = await buildImage(target, { CPU_BACKEND: backend });
    files = readdirSync(join(image.root, 'app'), { recursive: true, encoding: 'utf8' });
  }, 600_000);

  /** Starts it as `docker run -e API_KEYS=...` would, and stops it. */
  async function running(
    test: (container: Container) => Promise<void>,
    env: Record<string, string>,
    ...args: string[]
  ) {
    const container = start(image, { API_KEYS, ...told, ...env }, ...args);
    try {
      await test(container);
    } finally {
      container.process.kill('SIGTERM');
      expect(await container.ended, container.output()).toBe(0);
    }
  }

  const score = (url: string, headers = {}) =>
    fetch(url, { method: 'POST', body: PHOTO, headers: { 'content-type': 'image/png', ...headers } });

  it('is healthy once it is ready, and finds the happy astronaut, for who has a key', async () => {
    const port = String(await freePort());
    const check = () =>
      new Promise((done) => enter(image, image.healthcheck, { env: { PORT: port } }).once('exit', done));
    expect(await check()).toBe(1);
    await running(
      async (container) => {
        await untilOk(container, '/readyz');
        expect(await check()).toBe(0);
        const { url } = container;
        expect((await score(`${url}/v1/expressions`)).status).toBe(401);
        const answer = await score(`${url}/v1/expressions`, { authorization: `Bearer ${KEY}` });
        const { faces, ...answered } = (await answer.json()) as {
          faces: { expressions: { label: string; score: number }[] }[];
          backend: string;
        };
        expect(answered.backend).toBe(used);
        expect(faces).toHaveLength(1);
        // README.md has wasm's, rounded; backends agree to 1e-4.
        expect(faces[0]?.expressions[0]).toEqual({ label: 'happy', score: expect.closeTo(HAPPY, 2) });
        expect((await fetch(`${url}/browser/mien.js`)).status).toBe(200);
      },
      { PORT: port },
    );
  }, 120_000);

  it('refuses to be open to everybody unasked', async () => {
    const container = start(image, { PORT: String(await freePort()) });
    expect(await container.ended).toBe(1);
    expect(container.output()).toContain('set API_KEYS, or ANONYMOUS=allow');
  });

  if (target === 'gpu') {
    // The target `sagemaker` is the same, as another user.
    it('speaks to SageMaker', { timeout: 120_000 }, async () => {
      const port = String(await freePort());
      const env = { PORT: String(await freePort()), API_KEYS: '', SAGEMAKER_BIND_TO_PORT: port };
      await running(
        async (container) => {
          await untilOk(container, '/ping');
          expect((await score(`${container.url}/invocations`)).status).toBe(200);
        },
        env,
        'serve',
      );
    });

    it('does not start where there is no GPU, unless it is told to make do', async () => {
      const container = start(image, { PORT: String(await freePort()), API_KEYS });
      expect(await container.ended).toBe(1);
      expect(container.output()).toContain('no GPU');
    });
  }

  it('holds the packages that serve, and no development dependency', () => {
    const places = (...folder: string[]) => {
      const text = readFileSync(join(REPOSITORY, ...folder, 'package-lock.json'), 'utf8');
      const packages: Record<string, { dev?: boolean }> = JSON.parse(text).packages;
      return Object.keys(packages).filter((place) => TOP_LEVEL.test(place) && !packages[place]?.dev);
    };
    const others = BACKENDS.filter((name) => name !== `node_modules/@tensorflow/tfjs-${backend}`);
    const native =
      backend === 'wasm' ? [] : places('infra', 'native').filter((each) => !others.includes(each));
    const expected = new Set([...places(), ...native]);
    expect(files.filter((file) => TOP_LEVEL.test(file)).sort()).toEqual([...expected].sort());
    for (const name of ['typescript', 'vitest', 'esbuild', '@vladmandic/human'])
      expect(expected).not.toContain(`node_modules/${name}`);
  });

  it('holds no TypeScript, no test, no source map, no compiler, no npm', () => {
    const wrong = files.filter((file) =>
      /\.[cm]?ts$|\.map$|[._](test|spec)\.[cm]?js$|\.(cc|h|o)$/.test(file),
    );
    expect(wrong).toEqual([]);
    expect(readdirSync(join(image.root, 'app')).sort()).toEqual([
      'LICENSE',
      'dist',
      'models',
      'node_modules',
      'package.json',
    ]);
    expect(readdirSync(join(image.root, 'usr', 'local', 'bin'))).toEqual(['node']);
  });

  it('holds nothing that its user may change', () => {
    const owners = files.map((file) => lstatSync(join(image.root, 'app', file)));
    expect(image.user).toBe('10001:10001');
    expect(owners.filter(({ uid, mode }) => uid === 10001 || (mode & 0o002) !== 0).length).toBe(
      files.filter((file) => lstatSync(join(image.root, 'app', file)).isSymbolicLink()).length,
    );
  });

  it('is as large as it was measured', () => {
    const library = /deps\/lib\//;
    const bytes = files
      .filter((file) => !library.test(file))
      .map((file) => lstatSync(join(image.root, 'app', file)))
      .reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0);
    console.log(`${target} (${backend}): ${(bytes / 1e6).toFixed(1)} MB below /app, without libtensorflow`);
    expect(bytes).toBeLessThan(most);
    expect(bytes).toBeGreaterThan(most / 3);
  });
});
