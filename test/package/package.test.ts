/** What `npm pack` packs, installed into an empty project: the library, the client and the command work from it. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/assets/node.js';
import { type Server, stopServer, untilListening, untilReady } from '../support/server.js';

const project = mkdtempSync(join(tmpdir(), 'mien-package-'));
const run = (command: string, args: string[], cwd = project) =>
  spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } });

/** What `npx mien` runs, without npm's second. */
const COMMAND = join(project, 'node_modules/mien/dist/scripts/mien.js');
const mien = (...args: string[]) => run(process.execPath, [COMMAND, ...args]);

/** Node's types, which the project itself does not have. */
const TYPES = join(packageRoot(), 'node_modules/@types');
const reachable = run('npm', ['ping'], packageRoot()).status === 0;
if (!reachable)
  console.warn('skipped: the packed package; npm reaches no registry to install its dependencies from');

describe.skipIf(!reachable)('the package in an empty project', () => {
  let files: string[];
  let server: Server;

  /** Runs an ES module that stands in the project. */
  function module(name: string, source: string) {
    writeFileSync(join(project, name), source);
    const { status, stdout, stderr } = run(process.execPath, [name]);
    expect(stderr.replace(/^=+\nHi, looks like[\s\S]*?=+\n/m, '')).toBe('');
    expect(status).toBe(0);
    return JSON.parse(stdout);
  }

  beforeAll(async () => {
    const packed = run('npm', ['pack', '--json', '--silent', '--pack-destination', project], packageRoot());
    const [{ filename, files: contents }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('[\n')));
    files = contents.map(({ path }: { path: string }) => path);
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
    copyFileSync(join(packageRoot(), 'test/fixtures/astronaut.png'), join(project, 'photo.png'));
    const installed = run('npm', [
      'install',
      '--prefer-offline',
      '--omit=dev',
      '--no-audit',
      join(project, filename),
    ]);
    expect(installed.status, installed.stderr).toBe(0);
    server = await untilListening(
      spawn(process.execPath, [COMMAND, 'serve'], {
        cwd: project,
        env: { PATH: process.env.PATH, PORT: '0', HOST: '127.0.0.1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    await untilReady(server);
  }, 300_000);

  afterAll(async () => {
    if (server) await stopServer(server);
    rmSync(project, { recursive: true, force: true });
  });

  test('holds what runs and nothing of how it is made', () => {
    const folders = new Set(
      files.map((file) =>
        file
          .replace(/^docs\/[^/]+\.md$/, 'docs/*.md')
          .split('/')
          .slice(0, 2)
          .join('/'),
      ),
    );
    expect([...folders].sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist/assets',
      'dist/public',
      'dist/scripts',
      'dist/src',
      'docs/*.md',
      'models/mien-v1',
      'package.json',
    ]);
  });

  test('holds what its README and its help point to', () => {
    const readme = readFileSync(join(project, 'node_modules/mien/README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\((?!https:)([^)#]+)/g)].map(([, link]) => link as string);
    expect(links).toContain('docs/configuration.md');
    // How it is deployed is the repository's matter.
    expect(links.filter((link) => !files.includes(link) && !link.startsWith('infra/'))).toEqual([]);
    const help = mien('serve', '--help').stdout.replace(/\s+/g, ' ');
    const [, settings] = /as (\S+) lists/.exec(help) ?? [];
    expect(readFileSync(settings as string, 'utf8')).toContain('`MAX_CONCURRENT`');
  });

  test.each([
    ['a page', ['--lib', 'es2022,dom', '--module', 'esnext', '--moduleResolution', 'bundler']],
    ['Node alone', ['--lib', 'es2022', '--module', 'nodenext', '--types', 'node', '--typeRoots', TYPES]],
  ])('has types for each of its entries, and for what they take: in %s', (_, options) => {
    writeFileSync(
      join(project, 'typed.ts'),
      `import { createRecognizer, type RecognizeOptions } from 'mien';
       import { loadRecognizer } from 'mien/browser/mien.js';
       import { createClient, type FrameAnswer, type Label, type RecognizeOptions as Asked, type TrackedFace } from 'mien/client';
       const asked: Asked & RecognizeOptions = { saliency: 'happy' satisfies Label };
       const client = createClient({ url: 'http://localhost:8080' });
       export const faces = async (photo: Uint8Array) => (await client.recognize(photo, asked)).faces;
       export const here = async (photo: Uint8Array) => (await (await createRecognizer()).recognize(photo, asked)).faces;
       export const page = async (photo: Uint8Array) => (await (await loadRecognizer()).recognize(photo, asked)).faces;
       export const tracked = (answer: FrameAnswer): TrackedFace[] => ('error' in answer ? [] : answer.faces);`,
    );
    const tsc = join(packageRoot(), 'node_modules/.bin/tsc');
    const strict = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2022'];
    const { stdout } = run(tsc, [...strict, ...options, 'typed.ts']);
    expect(stdout).toBe('');
  });

  test('recognises in Node', () => {
    const recognition = module(
      'library.js',
      `import { readFile } from 'node:fs/promises';
       import { createRecognizer, LABELS } from 'mien';
       const recognizer = await createRecognizer();
       const { faces } = await recognizer.recognize(await readFile('photo.png'), { saliency: 'top' });
       console.log(JSON.stringify({ faces, labels: LABELS.length }));`,
    );
    expect(recognition.labels).toBe(7);
    expect(recognition.faces[0]).toMatchObject({
      expressions: [{ label: 'happy' }, ...Array(6).fill({})],
      saliency: { label: 'happy' },
    });
  });

  test('asks a server, its own', () => {
    const answers = module(
      'client.js',
      `import { readFile } from 'node:fs/promises';
       import { ClientError, createClient } from 'mien/client';
       const client = createClient({ url: '${server.url}' });
       const photo = await readFile('photo.png');
       const { faces } = await client.recognize(photo, { maxFaces: 1 });
       const refusal = await client.recognize(new Uint8Array([1, 2, 3])).catch((error) => error);
       console.log(JSON.stringify({ label: faces[0].expressions[0].label, code: refusal.code, status: refusal.status, typed: refusal instanceof ClientError }));`,
    );
    expect(answers).toEqual({ label: 'happy', code: 'unsupported_media_type', status: 415, typed: true });
  });

  test('has a command', () => {
    const { status, stdout } = run('npx', ['--no-install', 'mien', 'predict', 'photo.png']);
    expect(status).toBe(0);
    expect(stdout).toContain('face 1: happy');
    const wrong = mien('guess');
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toContain("unknown command 'guess'");
    const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
    expect(mien('--version').stdout).toBe(`${version}\n`);
  });
});
