import { cpus } from 'node:os';
import type { Running } from './servers.js';

/** Seconds of processor time so far: of the whole machine, and of this process and the servers. */
export interface Taken {
  at: number;
  machine: number;
  own: number;
}

export async function takenSoFar(servers: Running[]): Promise<Taken> {
  const times = cpus().map(({ times: { user, nice, sys, irq } }) => (user + nice + sys + irq) / 1000);
  const seconds = await Promise.all(servers.map(cpuSeconds));
  const { user, system } = process.cpuUsage();
  return {
    at: performance.now() / 1000,
    machine: sum(times),
    own: sum(seconds) + (user + system) / 1e6,
  };
}

/** How many cores other work has kept busy meanwhile: with more than a little, figures say less. */
export const coresOfOthers = (before: Taken, after: Taken): number =>
  Math.max(0, after.machine - before.machine - (after.own - before.own)) / (after.at - before.at);

async function cpuSeconds({ url }: Running): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total\{[^}]*\} (\S+)$/m.exec(text)?.[1]);
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
