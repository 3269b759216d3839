/** jobs/score.py, with the AWS command line's library, moto's S3 and a real server. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/container.js';
import { REPOSITORY } from '../support/image.js';
import { s3Tools, startS3 } from '../support/s3.js';
import { pythonWith } from '../support/tools.js';

const tools = s3Tools('the bulk scoring');
const python = pythonWith('botocore', 'the bulk scoring');
const SCRIPT = fileURLToPath(new URL('../../jobs/score.py', import.meta.url));
const MAX_BODY_BYTES = 10 * 1024 * 1024;
const NAMES = ['astronaut.png', 'text.png', 'it\'s "quoted".png', 'below/a folder.png', '[*?]\t\\é.png'];

describe.skipIf(!tools || !python)('jobs/score.py', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mien-score-'));
  let s3: Awaited<ReturnType<typeof startS3>>;
  let server: ChildProcess;
  let mien: string;

  beforeAll(async () => {
    spawnSync('node', ['--import', 'tsx', 'scripts/build/if-needed.ts'], { cwd: REPOSITORY });
    const port = `${await freePort()}`;
    mien = `http://127.0.0.1:${port}`;
    const env = { ...process.env, PORT: port, HOST: '127.0.0.1' };
    server = spawn('node', ['dist/src/handlers/node.js'], { cwd: REPOSITORY, env, stdio: 'ignore' });
    s3 = await startS3(tools as NonNullable<typeof tools>);
    mkdirSync(join(folder, 'photos', 'below'), { recursive: true });
    for (const name of NAMES)
      cpSync(join(REPOSITORY, 'test', 'fixtures', 'astronaut.png'), join(folder, 'photos', name));
    writeFileSync(join(folder, 'photos', 'text.png'), 'no picture');
    await s3.putAll(join(folder, 'photos'), 'photos');
  }, 300_000);

  afterAll(() => {
    server?.kill();
    s3?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a child of an array job, without blocking the server that is looked at. */
  const child = (index: number, shards: number, more: Record<string, string> = {}) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
      const job = {
        BUCKET: 'bucket',
        PREFIX: 'photos/',
        OUT: 'scores/',
        MIEN: mien,
        MAX_BODY_BYTES: `${MAX_BODY_BYTES}`,
      };
      // What Batch tells a child.
      const array = {
        AWS_BATCH_JOB_ID: `first:${index}`,
        AWS_BATCH_JOB_ARRAY_INDEX: `${index}`,
        AWS_BATCH_JOB_ARRAY_SIZE: `${shards}`,
      };
      const env = { ...s3.env, ...job, ...array, ...more };
      // As the job's command does.
      execFile(python as string, ['-c', readFileSync(SCRIPT, 'utf8')], { env }, (error, stdout, stderr) =>
        done({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });

  const listed = async (prefix: string) => Object.keys(await s3.list(prefix));
  const read = async (key: string) =>
    (await s3.read(key))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  it(
    'scores every picture once, whatever its name, in the shards together',
    { timeout: 120_000 },
    async () => {
      const said = await Promise.all([child(0, 2), child(1, 2)]);
      expect(said.map(({ code, stderr }) => [code, stderr])).toEqual([
        [0, ''],
        [0, ''],
      ]);
      expect(said.map(({ stdout }) => stdout)).toEqual([
        'scored 2 of 3 pictures, refused 1\n',
        'scored 2 of 2 pictures\n',
      ]);
      const parts = await listed('scores/');
      expect(parts).toEqual(['scores/first/part-00000-00000.jsonl', 'scores/first/part-00001-00000.jsonl']);
      const lines = (await Promise.all(parts.map(read))).flat();
      expect(lines.map(({ key }) => key).sort()).toEqual(NAMES.map((name) => `photos/${name}`).sort());
      for (const { key, status, answer } of lines) {
        if (key === 'photos/text.png')
          expect([status, answer.error.code]).toEqual([415, 'unsupported_media_type']);
        else expect([status, answer.faces[0].expressions[0].label]).toEqual([200, 'happy']);
      }
    },
  );

  it('writes a part as soon as it is scored, and goes on behind it', { timeout: 120_000 }, async () => {
    const job = { AWS_BATCH_JOB_ID: 'second:0', PART: '2' };
    const parts = [0, 1, 2].map((number) => `scores/second/part-00000-0000${number}.jsonl`);
    const sizes = async () => (await Promise.all(parts.map(read))).map((lines) => lines.length);
    expect((await child(0, 1, job)).stdout).toBe('scored 4 of 5 pictures, refused 1\n');
    expect(await listed('scores/second/')).toEqual(parts);
    expect(await sizes()).toEqual([2, 2, 1]);

    await s3.remove(parts[1] as string);
    const before = await s3.list('scores/second/');
    expect((await child(0, 1, job)).stdout).toBe('scored 2 of 5 pictures; 3 were done before\n');
    expect(await sizes()).toEqual([2, 2, 1]);
    expect(await s3.list('scores/second/')).toMatchObject(before);

    const another = await child(0, 1, { ...job, AWS_BATCH_JOB_ID: 'third:0' });
    expect(another.stdout).toBe('scored 4 of 5 pictures, refused 1\n');
  });

  it('keeps what was scored before the server went away', { timeout: 120_000 }, async () => {
    // Answers two pictures, and no more.
    let left = 2;
    const brief = createServer((request, response) => {
      if (request.method === 'POST' && left-- <= 0) request.destroy();
      else request.resume().on('end', () => response.end('{"faces":[]}'));
    }).listen(0, '127.0.0.1');
    await once(brief, 'listening');
    const { port } = brief.address() as AddressInfo;
    const job = {
      AWS_BATCH_JOB_ID: 'fourth:0',
      PART: '2',
      PARALLEL: '2',
      RETRIES: '1',
      MIEN: `http://127.0.0.1:${port}`,
    };
    const { code } = await child(0, 1, job);
    brief.close();
    expect(code).toBe(1);
    expect(await listed('scores/fourth/')).toEqual(['scores/fourth/part-00000-00000.jsonl']);
    expect((await child(0, 1, { ...job, MIEN: mien })).stdout).toBe(
      'scored 2 of 5 pictures, refused 1; 2 were done before\n',
    );
  });

  it('goes on past a picture that is larger than the server takes', { timeout: 120_000 }, async () => {
    await s3.put('large/large.png', new Uint8Array(MAX_BODY_BYTES + 1));
    await s3.put('large/small.png', readFileSync(join(REPOSITORY, 'test', 'fixtures', 'astronaut.png')));
    const { stdout } = await child(0, 1, { AWS_BATCH_JOB_ID: 'fifth:0', PREFIX: 'large/', RETRIES: '1' });
    expect(stdout).toBe('scored 1 of 2 pictures, refused 1\n');
    const [large, small] = await read('scores/fifth/part-00000-00000.jsonl');
    expect(large).toMatchObject({
      key: 'large/large.png',
      status: 413,
      answer: { error: { code: 'body_too_large' } },
    });
    expect(small).toMatchObject({ key: 'large/small.png', status: 200 });
  });

  it('fails where the server is away', { timeout: 60_000 }, async () => {
    const { code, stderr } = await child(0, 2, { MIEN: 'http://127.0.0.1:9', READY_TRIES: '1' });
    expect(code).toBe(1);
    expect(stderr).toContain('error: http://127.0.0.1:9 is not ready');
  });
});
