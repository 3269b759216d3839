import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { freePort } from './container.js';
import { tool } from './tools.js';

/** The AWS command line and moto's server, which is its S3; undefined where one is missing. */
export function s3Tools(skipped: string): { aws: string; moto: string } | undefined {
  const [aws, moto] = [tool('aws', skipped), tool('moto_server', skipped)];
  return aws && moto ? { aws, moto } : undefined;
}

/**
 * Starts an S3 with one bucket, `bucket`.
 *
 * @returns the environment that the AWS command line needs for it, and nothing else of AWS; what looks into the bucket
 *   and fills it asks moto itself, as the command line takes a second to start
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
  // moto asks whether a request is signed, and not by whom.
  const headers = { authorization: 'AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request' };
  const ask = async (path: string, init?: RequestInit) => {
    const answer = await fetch(`${url}/bucket${path}`, { headers, ...init });
    if (!answer.ok) throw new Error(`${init?.method ?? 'GET'} ${path}: ${await answer.text()}`);
    return answer.text();
  };
  const at = (key: string) => `/${key.split('/').map(encodeURIComponent).join('/')}`;
  const put = (key: string, body: Uint8Array | string) => ask(at(key), { method: 'PUT', body });
  await ask('', { method: 'PUT' });
  return {
    env,
    put,
    /** Puts a folder's files below a prefix. */
    async putAll(folder: string, prefix: string) {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        if (entry.isFile()) await put(prefix + path.slice(folder.length), readFileSync(path));
      }
    },
    read: (key: string) => ask(at(key)),
    remove: (key: string) => ask(at(key), { method: 'DELETE' }),
    /** Keys below a prefix, and when each was written. */
    async list(prefix: string): Promise<Record<string, string>> {
      const listed = await ask(`?list-type=2&prefix=${encodeURIComponent(prefix)}`);
      const entries = listed.matchAll(/<Key>(.*?)<\/Key>\s*<LastModified>(.*?)<\/LastModified>/g);
      return Object.fromEntries([...entries].map(([, key, time]) => [key, time]));
    },
    stop: () => server.kill(),
  };
}
