import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { packageRoot } from '../../src/assets/node.js';
import { MienError } from '../../src/model/errors.js';

/** The built server as `npm start` runs it where nothing native is installed, on a free port. */
export interface NodeServer {
  /** Base address, without a slash at its end. */
  url: string;
  /** Bytes of memory that the process has now, and the most that it ever had. Linux alone tells. */
  memory(): { now: number; most: number };
  stop(): Promise<void>;
}

/** Starts it and waits until it listens: it is not warmed up then. */
export async function startNodeServer(): Promise<NodeServer> {
  const child = spawn(process.execPath, ['dist/src/handlers/node.js'], {
    cwd: packageRoot(),
    env: { PATH: process.env.PATH, PORT: '0', HOST: '127.0.0.1', BACKEND: 'wasm' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return {
    url: await address(child),
    memory: () => ({ now: statusOf(child, 'VmRSS'), most: statusOf(child, 'VmHWM') }),
    async stop() {
      const exit = once(child, 'exit');
      child.kill();
      await exit;
    },
  };
}

function address(child: ChildProcess): Promise<string> {
  let output = '';
  return new Promise((resolve, reject) => {
    // Goes on reading afterwards, lest the pipe fill up.
    child.stdout?.on('data', (chunk) => {
      output += chunk;
      const found = /listens on ([^\s"]+)/.exec(output)?.[1];
      if (found) resolve(found);
    });
    child.once('exit', (code) =>
      reject(new MienError('internal', `The server ends with ${code}: ${output}`)),
    );
  });
}

function statusOf({ pid }: ChildProcess, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
}

/** Sends a photo and waits for its scores. */
export async function ask(url: string, bytes: Uint8Array): Promise<void> {
  const response = await fetch(`${url}/v1/expressions`, { method: 'POST', body: bytes as BodyInit });
  const text = await response.text();
  if (response.status !== 200) throw new MienError('internal', `${response.status}: ${text}`);
}
