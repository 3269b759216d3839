import autocannon from 'autocannon';
import { quantiles } from './statistics.js';

export interface LoadOptions {
  url: string;
  body: Buffer;
  headers?: Record<string, string>;
  /** Clients, each of which asks again as soon as it is answered. */
  clients: number;
  seconds: number;
  /** Most requests of one client, a second. Default as many as are answered. */
  clientRate?: number;
}

export interface Load {
  /** Answers with 200, a second. */
  throughput: number;
  /** Answers by status. */
  statuses: Record<string, number>;
  /** Connections that failed or were cut off. */
  errors: number;
  /** What answers with 200 took, milliseconds. */
  p50: number;
  p99: number;
  /** Answers with 200 that came while one was waited for, itself among them: what took long whatever the machine's speed. */
  p99Meanwhile: number;
}

/** How many of ascending times are not after a moment. */
function countUntil(ascending: number[], moment: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) <= moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Asks a server from many clients at once, for so long. */
export async function load(given: LoadOptions): Promise<Load> {
  const { url, body, headers = {}, clients, seconds, clientRate } = given;
  const took: number[] = [];
  const answered: number[] = [];
  const statuses: Record<string, number> = {};
  const began = performance.now();
  const errors = await new Promise<number>((resolve, reject) => {
    const options = {
      url,
      body,
      headers,
      method: 'POST' as const,
      connections: clients,
      duration: seconds,
      timeout: 60,
      ...(clientRate && { connectionRate: clientRate }),
    };
    const instance = autocannon(options, (error, result) =>
      error ? reject(error) : resolve(result.errors + result.timeouts),
    );
    instance.on('response', (_, status, __, ms) => {
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status !== 200) return;
      took.push(ms);
      answered.push(performance.now());
    });
  });
  const elapsed = (performance.now() - began) / 1000;
  const meanwhile = answered.map((end, i) => i + 1 - countUntil(answered, end - (took[i] as number)));
  const [p50, p99] = quantiles(took, 0.5, 0.99);
  return {
    throughput: took.length / elapsed,
    statuses,
    errors,
    p50,
    p99,
    p99Meanwhile: quantiles(meanwhile, 0.99)[0],
  };
}
