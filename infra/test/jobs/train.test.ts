/** jobs/train.sh, with the real AWS command line, moto's S3, torchrun and the engine; on the CPU, since no GPU is here. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REPOSITORY } from '../support/image.js';
import { s3Tools, startS3 } from '../support/s3.js';

const SCRIPT = fileURLToPath(new URL('../../jobs/train.sh', import.meta.url));
const VENV = join(REPOSITORY, '.venv', 'bin');
const tools = s3Tools('the training job');
const torch = existsSync(join(VENV, 'torchrun'));
if (!torch) console.warn('skipped: the training job; .venv has no torch (npm run setup:torch in the root)');

// By addresses, as they belong to the root's project.
const root = (path: string) => import(new URL(`../../../${path}`, import.meta.url).href);

describe.skipIf(!tools || !torch)('jobs/train.sh', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mien-train-'));
  let s3: Awaited<ReturnType<typeof startS3>>;

  beforeAll(async () => {
    const [{ writeDataSet }, { generatedFaces }, { readConfiguration }, { prepareRun }] = await Promise.all(
      ['data/pack', 'data/generated', 'config', 'run'].map((name) => root(`scripts/train/${name}.ts`)),
    );
    writeDataSet(join(folder, 'data'), 'generated', generatedFaces(64));
    const smoke = readConfiguration(join(REPOSITORY, 'scripts/train/configs/smoke.json'));
    // Nobody asks what it learns.
    const architecture = { ...smoke.architecture, side: 16, width: 0.25, groups: 1 };
    const tiny = { ...smoke, architecture, stages: [{ side: 16, epochs: 1, batch: 16 }] };
    // As `npm run train -- --dry-run` does.
    prepareRun(join(folder, 'run'), tiny, { engine: 'torch', resume: false });
    // The asset's zip, as CDK makes it of the engine's folder.
    const zip = ['-m', 'zipfile', '-c', join(folder, 'engine.zip'), '.'];
    spawnSync(join(VENV, 'python3'), zip, { cwd: join(REPOSITORY, 'scripts/train/engines/torch') });
    s3 = await startS3(tools as NonNullable<typeof tools>);
    await s3.put('engine.zip', readFileSync(join(folder, 'engine.zip')));
    for (const name of ['data', 'run']) await s3.putAll(join(folder, name), `${name}s/tiny`);
  }, 120_000);

  afterAll(() => {
    s3?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const train = (run: string, more = {}) => {
    const env = {
      ...s3.env,
      PATH: [VENV, s3.env.PATH].join(delimiter),
      BUCKET: 'bucket',
      ENGINE: 's3://bucket/engine.zip',
      WORK: mkdtempSync(join(folder, 'work-')),
      // What the engine needs is there, or this test is skipped: the environment stays as it is.
      PIP_DRY_RUN: '1',
      ...more,
    };
    return spawnSync('bash', [SCRIPT, run, 'datas/tiny'], { env, encoding: 'utf8' });
  };
  const history = () => s3.read('runs/tiny/history.jsonl');

  it(
    'trains through torchrun, and leaves weights and a checkpoint to go on from',
    { timeout: 600_000 },
    async () => {
      const { status, stderr } = train('runs/tiny', { PROCESSES: '1' });
      expect(status, stderr).toBe(0);
      const kept = Object.keys(await s3.list('runs/tiny/'));
      for (const name of ['best.safetensors', 'checkpoint.pt', 'history.jsonl'])
        expect(kept).toContain(`runs/tiny/${name}`);
      const before = await history();
      expect(before.trim().split('\n')).toHaveLength(1);
      // Another machine takes the job up: everything is done, so nothing is trained again.
      const again = train('runs/tiny', { PROCESSES: '1' });
      expect(again.status, again.stderr).toBe(0);
      expect(await history()).toBe(before);
    },
  );

  it('fetches the teachers, runs and models, and of them what teaches', { timeout: 120_000 }, async () => {
    const given = join(folder, 'given');
    const write = (name: string, content = '') => {
      mkdirSync(dirname(join(given, name)), { recursive: true });
      writeFileSync(join(given, name), content);
    };
    const teachers = ['runs/teacher', 'models/teacher', '/elsewhere'];
    write('runs/pupil/config.json', JSON.stringify({ distillation: { teachers } }));
    for (const file of ['architecture.json', 'best.safetensors', 'last.safetensors', 'checkpoint.pt'])
      write(`runs/teacher/${file}`);
    for (const file of ['architecture.json', 'weights.safetensors', 'metrics.json'])
      write(`models/teacher/${file}`);
    for (const name of ['runs', 'models']) await s3.putAll(join(given, name), name);
    // In the engine's place, which copies them: what lies where it starts.
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'torchrun'), '#!/bin/sh\nfind runs models -type f | sort\n', { mode: 0o755 });
    const { status, stdout, stderr } = train('runs/pupil', {
      PATH: [bin, VENV, s3.env.PATH].join(delimiter),
    });
    expect(status, stderr).toBe(0);
    expect(stdout.trim().split('\n')).toEqual([
      'models/teacher/architecture.json',
      'models/teacher/weights.safetensors',
      'runs/teacher/architecture.json',
      'runs/teacher/best.safetensors',
    ]);
  });

  it('does not train on the CPU of a machine whose GPUs are not seen', { timeout: 120_000 }, () => {
    const { status, stderr } = train('runs/tiny');
    expect(status).toBe(1);
    expect(stderr).toContain('Cuda is not available');
  });

  it('says what is missing', { timeout: 60_000 }, () => {
    const { status, stderr } = train('runs/nothing');
    expect(status).toBe(2);
    expect(stderr).toContain('error: s3://bucket/runs/nothing holds no config.json');
  });
});
