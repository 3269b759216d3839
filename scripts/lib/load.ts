import autocannon from 'autocannon';

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
}

/** Asks a server from many clients at once, for so long. */
export async function load(given: LoadOptions): Promise<Load> {
  const { url, body, headers = {}, clients, seconds, clientRate } = given;
  const took: number[] = [];
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
      if (status === 200) took.push(ms);
    });
  });
  took.sort((one, other) => one - other);
  const at = (share: number) =>
    took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? Number.NaN;
  const elapsed = (performance.now() - began) / 1000;
  return { throughput: took.length / elapsed, statuses, errors, p50: at(0.5), p99: at(0.99) };
}
