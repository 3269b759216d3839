import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { freePort } from './container.js';
import { tool } from './tools.js';

/** The AWS command line and moto's server, which is its S3; undefined where one is missing. */
export function s3Tools(skipped: string): { aws: string; moto: string } | undefined {
  const [aws, moto] = [tool('aws', skipped), tool('moto_server', skipped, ['--help'])];
  return aws && moto ? { aws, moto } : undefined;
}

/**
 * Starts an S3 with one bucket, `bucket`.
 *
 * @returns the environment that the AWS command line needs for it, and nothing else of AWS; `aws` runs that
 */
export async function startS3({ aws, moto }: { aws: string; moto: string }) {
  const port = await freePort();
  const server = spawn(moto, ['--host', '127.0.0.1', '--port', `${port}`], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await fetch(url).catch(() => undefined)) break;
    await new Promise((done) => setTimeout(done, 100));
  }
  const env = {
    PATH: [dirname(aws), process.env.PATH].join(delimiter),
    HOME: mkdtempSync(join(tmpdir(), 'mien-home-')),
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'testing',
    AWS_SECRET_ACCESS_KEY: 'testing',
    AWS_DEFAULT_REGION: 'us-east-1',
  };
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(aws, args, { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return stdout;
  };
  run('s3', 'mb', 's3://bucket');
  return { env, aws: run, stop: () => server.kill() };
}
