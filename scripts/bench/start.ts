import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MienError } from '../../src/model/errors.js';
import { bundleLambda } from '../lib/lambda-bundle.js';
import { type Quartiles, quartiles } from '../lib/statistics.js';
import { bundleWorker } from '../lib/worker-bundle.js';
import { ask, startNodeServer } from './node-server.js';
import { photo } from './pictures.js';
import { startOnce, writeEmptyWorker } from './worker-start.js';

const ROUNDS = 7;

/** Milliseconds from a process's start to its first photo's scores, and of its start-up alone. */
export interface StartTimes {
  /** Node that does nothing. */
  nodeAlone: Quartiles;
  nodeServer: Quartiles;
  lambda: Quartiles;
  workerd: Quartiles;
  /** Processor time of the Worker's start-up: workerd's main thread, less what it needs for an empty Worker. */
  workerCpu: Quartiles;
}

/** Starts each in turn, round after round. */
export async function timeStarts(): Promise<StartTimes> {
  const scratch = mkdtempSync(join(tmpdir(), 'mien-start-'));
  try {
    const folders = {
      worker: join(scratch, 'worker'),
      empty: join(scratch, 'empty'),
      lambda: join(scratch, 'lambda'),
    };
    const modules = await bundleWorker({ out: folders.worker });
    const empty = writeEmptyWorker(folders.empty, folders.worker);
    await bundleLambda({ out: folders.lambda });
    const bytes = photo();
    const times: Record<keyof StartTimes, number[]> = {
      nodeAlone: [],
      nodeServer: [],
      lambda: [],
      workerd: [],
      workerCpu: [],
    };
    for (let round = 0; round < ROUNDS; round++) {
      times.nodeAlone.push(await nodeOnce('0', {}));
      times.nodeServer.push(await serverOnce(bytes));
      times.lambda.push(await lambdaOnce(folders.lambda, bytes));
      const nothing = await startOnce(folders.empty, empty, (url) => fetch(url));
      const worker = await startOnce(folders.worker, modules, (url) => ask(url, bytes));
      times.workerd.push(worker.answerMs);
      times.workerCpu.push(worker.cpuMs - nothing.cpuMs);
    }
    return Object.fromEntries(
      Object.entries(times).map(([name, values]) => [name, quartiles(values)]),
    ) as unknown as StartTimes;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Runs code in a Node of its own: milliseconds until it has ended. */
async function nodeOnce(code: string, env: Record<string, string>): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new MienError('internal', `A Node that was started anew ends with ${status}.`);
  return performance.now() - began;
}

async function serverOnce(bytes: Uint8Array): Promise<number> {
  const began = performance.now();
  const server = await startNodeServer();
  await ask(server.url, bytes);
  const took = performance.now() - began;
  await server.stop();
  return took;
}

/** As Lambda does: imports the bundle, which warms up, and hands it an event. */
function lambdaOnce(folder: string, bytes: Uint8Array): Promise<number> {
  const event = {
    version: '2.0',
    rawPath: '/v1/expressions',
    rawQueryString: '',
    headers: { host: 'localhost', 'content-type': 'image/png' },
    requestContext: { domainName: 'localhost', http: { method: 'POST', path: '/v1/expressions' } },
    isBase64Encoded: true,
    body: Buffer.from(bytes).toString('base64'),
  };
  const file = join(folder, 'event.json');
  writeFileSync(file, JSON.stringify(event));
  const code = `
    import { readFileSync } from 'node:fs';
    import { handler } from ${JSON.stringify(pathToFileURL(join(folder, 'index.mjs')).href)};
    const { statusCode } = await handler(JSON.parse(readFileSync(${JSON.stringify(file)}, 'utf8')));
    process.exit(statusCode === 200 ? 0 : 1);`;
  return nodeOnce(code, { ANONYMOUS: 'allow' });
}
