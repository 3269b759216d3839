/** jobs/score.sh, with the real AWS command line, moto's S3 and a real server. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/container.js';
import { REPOSITORY } from '../support/image.js';
import { s3Tools, startS3 } from '../support/s3.js';

const tools = s3Tools('the bulk scoring');
const SCRIPT = fileURLToPath(new URL('../../jobs/score.sh', import.meta.url));
const NAMES = ['astronaut.png', 'text.png', 'it\'s "quoted".png', 'below/a folder.png', 'e.png'];

describe.skipIf(!tools)('jobs/score.sh', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mien-score-'));
  let s3: Awaited<ReturnType<typeof startS3>>;
  let server: ChildProcess;
  let mien: string;

  beforeAll(async () => {
    spawnSync('npx', ['tsx', 'scripts/build/if-needed.ts'], { cwd: REPOSITORY });
    const port = `${await freePort()}`;
    mien = `http://127.0.0.1:${port}`;
    const env = { ...process.env, PORT: port, HOST: '127.0.0.1' };
    server = spawn('node', ['dist/src/handlers/node.js'], { cwd: REPOSITORY, env, stdio: 'ignore' });
    s3 = await startS3(tools as NonNullable<typeof tools>);
    mkdirSync(join(folder, 'photos', 'below'), { recursive: true });
    for (const name of NAMES)
      cpSync(join(REPOSITORY, 'test', 'fixtures', 'astronaut.png'), join(folder, 'photos', name));
    writeFileSync(join(folder, 'photos', 'text.png'), 'no picture');
    s3.aws('s3', 'sync', join(folder, 'photos'), 's3://bucket/photos');
  }, 300_000);

  afterAll(() => {
    server?.kill();
    s3?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a child of an array job, without blocking the server that is looked at. */
  const child = (index: number, shards: number, more: Record<string, string> = {}) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
      const job = { BUCKET: 'bucket', PREFIX: 'photos/', OUT: 'scores/', MIEN: mien };
      // What Batch tells a child.
      const array = { AWS_BATCH_JOB_ARRAY_INDEX: `${index}`, AWS_BATCH_JOB_ARRAY_SIZE: `${shards}` };
      const env = { ...s3.env, ...job, ...array, ...more };
      execFile('bash', [SCRIPT], { env }, (error, stdout, stderr) =>
        done({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });

  it(
    'scores every picture once, whatever its name, in the shards together',
    { timeout: 120_000 },
    async () => {
      const said = [await child(0, 2), await child(1, 2)];
      expect(said.map(({ code, stderr }) => [code, stderr])).toEqual([
        [0, ''],
        [0, ''],
      ]);
      expect(said.map(({ stdout }) => stdout)).toEqual([
        'scored 3 of 3 pictures\n',
        'scored 2 of 2 pictures\n',
      ]);
      s3.aws('s3', 'sync', 's3://bucket/scores', join(folder, 'scores'));
      const lines = ['part-00000.jsonl', 'part-00001.jsonl']
        .flatMap((part) =>
          readFileSync(join(folder, 'scores', part), 'utf8')
            .trim()
            .split('\n'),
        )
        .map((line) => JSON.parse(line));
      expect(lines.map(({ key }) => key).sort()).toEqual(NAMES.map((name) => `photos/${name}`).sort());
      for (const { key, status, answer } of lines) {
        if (key === 'photos/text.png')
          expect([status, answer.error.code]).toEqual([415, 'unsupported_media_type']);
        else expect([status, answer.faces[0].expressions[0].label]).toEqual([200, 'happy']);
      }
    },
  );

  it('fails where the server is away', { timeout: 60_000 }, async () => {
    const { code, stderr } = await child(0, 2, { MIEN: 'http://127.0.0.1:9', READY_TRIES: '1' });
    expect(code).toBe(1);
    expect(stderr).toContain('error: http://127.0.0.1:9 is not ready');
  });
});
