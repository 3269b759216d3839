import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerModule } from '../lib/worker-bundle.js';
import { startWorkerd } from '../lib/workerd.js';

export interface WorkerStart {
  /** Milliseconds of processor time of workerd's main thread, from its start until the Worker has answered. */
  cpuMs: number;
  /** Milliseconds from the start of workerd to that answer. */
  answerMs: number;
}

/** A Worker that only answers, with the settings of another. */
export function writeEmptyWorker(folder: string, like: string): WorkerModule[] {
  const name = 'worker.js';
  mkdirSync(folder);
  copyFileSync(join(like, 'wrangler.json'), join(folder, 'wrangler.json'));
  writeFileSync(join(folder, name), "export default { fetch: () => new Response('here') };");
  return [{ name, type: 'ESModule', bytes: 0, gzipBytes: 0 }];
}

/**
 * Starts workerd with a Worker, which runs the Worker's start-up before it listens, and asks once.
 * Linux alone tells a thread's processor time.
 *
 * @param folder as startWorkerd takes it, with its modules
 * @param question asks, and waits for the answer
 */
export async function startOnce(
  folder: string,
  modules: WorkerModule[],
  question: (url: string) => Promise<unknown>,
): Promise<WorkerStart> {
  const others = new Set(workerdChildren());
  const began = performance.now();
  const workerd = await startWorkerd(folder, modules);
  try {
    const pid = workerdChildren().find((child) => !others.has(child)) as string;
    const cpuMs = mainThreadMs(pid);
    await question(workerd.url);
    return { cpuMs, answerMs: performance.now() - began };
  } finally {
    await workerd.stop();
  }
}

function workerdChildren(): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      // pid (name) state parent
      const [, name, parent] =
        /^\d+ \((.*)\) \S (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      return name === 'workerd' && Number(parent) === process.pid;
    } catch {
      return false; // has ended meanwhile
    }
  });
}

/** schedstat's first number: nanoseconds on a processor. */
const mainThreadMs = (pid: string): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
