/** The Node entry as a process of its own, on a free port. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { packageRoot } from '../../src/assets/node.js';
import { SERVER } from './build-server.js';

export interface Server {
  process: ChildProcess;
  /** Base address, without a slash at its end. */
  url: string;
  /** Everything written so far. */
  output(): string;
  /** How often untilReady has asked. */
  probes: number;
}

type Entry = ChildProcessByStdio<null, Readable, Readable>;

const spawnEntry = (env: Record<string, string>, ...args: string[]) =>
  spawn(process.execPath, [SERVER, ...args], {
    cwd: packageRoot(),
    // Not what happens to be installed here, unless the test says so.
    env: { PATH: process.env.PATH, BACKEND: 'wasm', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Starts it and waits until it says where it listens: it is not warmed up then. */
export const startServer = (env: Record<string, string>, ...args: string[]): Promise<Server> =>
  untilListening(spawnEntry({ PORT: '0', HOST: '127.0.0.1', ...env }, ...args));

/** Waits until the entry, however it was started, says where it listens. */
export async function untilListening(child: Entry): Promise<Server> {
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk;
      const address = /listens on ([^\s"]+)/.exec(output)?.[1];
      if (address) resolve(address);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${output}`)));
  });
  return { process: child, url, output: () => output, probes: 0 };
}

/** Waits for /readyz, at most 30 s. */
export async function untilReady(server: Server): Promise<void> {
  const { url, process, output } = server;
  for (let attempt = 0; attempt < 300 && process.exitCode === null; attempt++) {
    server.probes++;
    if ((await fetch(`${url}/readyz`)).ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`never ready: ${output()}`);
}

/** Sends the signal and answers the exit code. */
export async function stopServer({ process }: Server, signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
  if (process.exitCode !== null) return process.exitCode;
  process.kill(signal);
  const [code] = await once(process, 'exit');
  return code;
}

/** Runs it where it should end by itself. */
export async function runToEnd(
  env: Record<string, string>,
  ...args: string[]
): Promise<{ code: number; stderr: string }> {
  const child = spawnEntry(env, ...args);
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, stderr };
}
