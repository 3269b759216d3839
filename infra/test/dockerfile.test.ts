import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import dockerignore from '@balena/dockerignore';
import { describe, expect, it } from 'vitest';
import { CUDA_CACHE, PORT, READY_PATH, USER } from '../lib/server.js';
import { DOCKERFILE, readDockerfile, type Stage } from './support/dockerfile.js';
import { REPOSITORY } from './support/image.js';
import { tool } from './support/tools.js';

const hadolint = tool('hadolint', "hadolint's look at the Dockerfile");
const { args, stages } = readDockerfile();
const lint = (input: string) => {
  const { stdout } = spawnSync(hadolint as string, ['--no-color', '--format', 'json', '-'], {
    input,
    encoding: 'utf8',
  });
  return (JSON.parse(stdout) as { code: string }[]).map(({ code }) => code);
};

describe.skipIf(!hadolint)('hadolint', () => {
  it('finds nothing, with nothing ignored', () => {
    const text = readFileSync(DOCKERFILE, 'utf8');
    expect(text).not.toMatch(/hadolint +ignore/);
    expect(lint(text)).toEqual([]);
  });

  it('finds what is wrong (control)', () => {
    expect(lint('FROM debian\nRUN apt-get install curl\nENTRYPOINT node\n')).toEqual(
      expect.arrayContaining(['DL3006', 'DL3008', 'DL3025']),
    );
  });
});

/** What a stage says last about a keyword, itself or by what it comes from. */
function last(name: string, keyword: string): Stage['steps'][number] | undefined {
  const stage = stages.get(name);
  return stage?.steps.findLast((step) => step.keyword === keyword) ?? (stage && last(stage.from, keyword));
}

/** What a stage copies: from which stage, what, and where to. */
const copies = (name: string) =>
  (stages.get(name)?.steps ?? [])
    .filter(({ keyword }) => keyword === 'COPY')
    .map(({ flags, words }) => [flags.from, ...words]);

describe('infra/Dockerfile', () => {
  it('takes every image by its digest', () => {
    const images = [...stages.values()].map(({ from }) => from).filter((from) => !stages.has(from));
    expect(new Set(images).size).toBe(3);
    for (const image of images) expect(image).toMatch(/^[\w/.-]+:[\w.-]+@sha256:[0-9a-f]{64}$/);
    expect(args.CUDA_IMAGE).toMatch(/^nvidia\/cuda:11\.\d\.\d-cudnn8-runtime-/);
  });

  it('is pushed as SageMaker takes it, by what README.md says: no attestation, no OCI manifest', () => {
    const readme = readFileSync(join(REPOSITORY, 'infra', 'README.md'), 'utf8');
    const [pushed] = readme.match(/^docker buil.*\\\n.*docker push.*$/m) ?? [];
    for (const flag of ['--platform linux/amd64', '--provenance=false', '--output type=docker'])
      expect(pushed).toContain(flag);
  });

  it('makes the GPU image where no target is named', () => {
    expect([...stages.keys()].at(-1)).toBe('gpu');
  });

  it.each([
    'cpu',
    'sagemaker',
  ])('puts into %s Node and the application only, and installs nothing', (name) => {
    const steps = stages.get(name)?.steps ?? [];
    const gpu = 'node_modules/@tensorflow/tfjs-node-gpu';
    const files = name === 'cpu' ? 'files-cpu' : 'files-gpu';
    expect(copies(name)).toEqual([
      ['build', '/usr/local/bin/node', '/usr/local/bin/node'],
      // A layer each: an edit of the sources changes the last ones only.
      ...(name === 'cpu' ? [] : ['deps', 'lib']).map((part) => [
        'native-gpu',
        `/native/${gpu}/${part}`,
        `./${gpu}/${part}`,
      ]),
      ...['node_modules', 'models', 'dist'].map((part) => [files, `/app/${part}`, `./${part}`]),
      [files, '/app/package.json', '/app/LICENSE', './'],
    ]);
    const commands = steps.filter(({ keyword }) => keyword === 'RUN').map(({ words }) => words[0]);
    expect(commands.filter((command) => !['install', '["node",'].includes(command as string))).toEqual([]);
  });

  it('downloads native TensorFlow for the GPU by its manifest and lock alone', () => {
    expect(stages.get('native-gpu')?.from).toBe(stages.get('build')?.from);
    const manifests = ['package.json', 'package-lock.json'].map((name) => `infra/native/${name}`);
    expect(copies('native-gpu')).toEqual([[undefined, ...manifests, './']]);
    expect(last('native-gpu', 'RUN')?.words.join(' ')).toContain('npm rebuild @tensorflow/tfjs-node-gpu');
    // The layout, which every edit repeats, runs no installer.
    expect(last('files-gpu', 'RUN')?.words).toContain('--ignore-scripts');
  });

  it('lays out what `npm run rootfs` lays out', () => {
    for (const name of ['files-cpu', 'files-gpu'])
      expect(last(name, 'RUN')?.words.slice(0, 3).join(' ')).toBe('npm run rootfs');
  });

  it('runs as nobody in particular, but as root where SageMaker asks for it', () => {
    expect(last('gpu', 'USER')?.words).toEqual([`${USER}:${USER}`]);
    expect(last('cpu', 'USER')?.words).toEqual([`${USER}:${USER}`]);
    expect(last('sagemaker', 'USER')).toBeUndefined();
  });

  it.each(['cpu', 'gpu'])('starts %s without a shell, so that signals reach the server', (name) => {
    expect(last(name, 'ENTRYPOINT')?.exec).toEqual(['node', 'dist/src/handlers/node.js']);
    expect(last(name, 'HEALTHCHECK')?.exec?.join(' ')).toContain(READY_PATH);
  });

  it('agrees with what the templates assume', () => {
    expect(last('gpu', 'ENV')?.pairs).toEqual({
      NODE_ENV: 'production',
      HOST: '0.0.0.0',
      PORT: String(PORT),
      BACKEND: 'node-gpu',
      CUDA_CACHE_PATH: CUDA_CACHE,
      CUDA_CACHE_MAXSIZE: String(4 * 1024 ** 3),
      TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    });
  });

  it('is labelled', () => {
    const labels = Object.keys(last('gpu', 'LABEL')?.pairs ?? {});
    for (const name of ['title', 'description', 'licenses', 'version', 'revision'])
      expect(labels).toContain(`org.opencontainers.image.${name}`);
    const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
    expect(last('gpu', 'ARG')?.pairs.VERSION).toBe(version);
  });
});

it('keeps data, keys, history and what was built here out of the context', () => {
  const filter = dockerignore.default().add(readFileSync(join(REPOSITORY, '.dockerignore'), 'utf8'));
  const kept = [
    'package.json',
    'package-lock.json',
    'src/handlers/node.ts',
    'web/index.html',
    'models/mien-v1/weights.safetensors',
    'infra/native/package-lock.json',
  ];
  const out = [
    '.git/config',
    '.env',
    '.npmrc',
    '.venv/bin/python',
    'data/fer2013/index.json',
    'runs/cpu/weights.safetensors',
    'node_modules/hono/package.json',
    'dist/src/handlers/node.js',
    'infra/config.json',
    'infra/node_modules/zod/package.json',
    'infra/native/node_modules/tar/package.json',
    'test/fixtures/astronaut.png',
  ];
  expect(filter.filter([...kept, ...out])).toEqual(kept);
});
