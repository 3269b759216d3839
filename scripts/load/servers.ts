import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../../src/assets/node.js';
import { MienError } from '../../src/model/errors.js';

/** A server to put under load, in a process of its own. */
export interface Subject {
  /** What the table calls it. */
  name: string;
  batchMax: number;
  env: Record<string, string>;
}

export interface Running extends Subject {
  /** Base address, without a slash at its end. */
  url: string;
  stop(): Promise<void>;
}

/** Waits for /readyz this long, milliseconds. */
const READY_MS = 120_000;

/**
 * Starts a server on a free port and waits until it is ready.
 * @param entry its compiled code
 * @throws MienError `internal` where it is not within two minutes, with what it wrote
 */
export async function startSubject(
  subject: Subject,
  entry = join('dist', 'src', 'handlers', 'node.js'),
): Promise<Running> {
  const child = spawn(process.execPath, [entry], {
    cwd: packageRoot(),
    env: { PATH: process.env.PATH, ...FIXED, ...subject.env, BATCH_MAX: `${subject.batchMax}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await ready(child);
  return {
    ...subject,
    url,
    async stop() {
      const exit = once(child, 'exit');
      child.kill();
      await exit;
    },
  };
}

/** Nobody is refused: what is measured is the work. */
const FIXED = { PORT: '0', HOST: '127.0.0.1', MAX_CONCURRENT: '1000', QUEUE_TIMEOUT_MS: '60000' };

/** Goes on reading what the server writes, lest the pipe fill up, but keeps only its beginning. */
function ready(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (why: string) => {
      child.kill('SIGKILL');
      reject(new MienError('internal', `The server ${why}: ${output}`));
    };
    const late = setTimeout(() => fail('is not ready in time'), READY_MS);
    const read = (chunk: Buffer) => {
      if (output.length < 100_000) output += chunk;
      const url = /listens on ([^\s"]+)/.exec(output)?.[1];
      if (!url || !/"message":"ready/.test(output)) return;
      clearTimeout(late);
      resolve(url);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (code) => {
      clearTimeout(late);
      fail(`ends with ${code}`);
    });
  });
}
