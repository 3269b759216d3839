import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { load } from '../../scripts/lib/load.js';
import { inferRequest } from '../../scripts/load/measure.js';
import { type Running, type Subject, startSubject } from '../../scripts/load/servers.js';
import { SERVER } from '../support/build-server.js';
import { hasNative } from '../support/native.js';

const SUBJECTS: Subject[] = [
  { name: 'wasm', batchMax: 1, env: { BACKEND: 'wasm' } },
  { name: 'node', batchMax: 1, env: { BACKEND: 'node' } },
  { name: 'node', batchMax: 32, env: { BACKEND: 'node' } },
];

/** What a server has done so far. */
async function done(server: Running): Promise<{ crops: number; inferences: number; cpuSeconds: number }> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const figure = (name: string) => Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    crops: figure('mien_batch_size_sum'),
    inferences: figure('mien_batch_size_count'),
    cpuSeconds: figure('process_cpu_seconds_total'),
  };
}

/**
 * In processor time, which tests that run beside this one change little; how many crops a second that makes on two cores
 * of one's own `npm run load` measures (docs/BENCHMARKS.md).
 */
describe.skipIf(!hasNative())('32 clients with a crop each', () => {
  const servers: Running[] = [];
  beforeAll(async () => {
    const starts = await Promise.allSettled(SUBJECTS.map((subject) => startSubject(subject, SERVER)));
    // Those that have started are stopped, whatever becomes of the others.
    for (const start of starts) if (start.status === 'fulfilled') servers.push(start.value);
    for (const start of starts) if (start.status === 'rejected') throw start.reason;
  }, 180_000);
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  test('cost native TensorFlow less than wasm, and less still in batches', { timeout: 180_000 }, async () => {
    const request = inferRequest(Uint8Array.from({ length: 48 * 48 }, (_, i) => (i * 7) % 256));
    const ask = async (server: Running, seconds: number) => {
      const { errors } = await load({
        url: `${server.url}/v2/models/mien/infer`,
        ...request,
        clients: 32,
        seconds,
      });
      expect(errors).toBe(0);
    };
    for (const server of servers) await ask(server, 1); // warms up
    const before = await Promise.all(servers.map(done));
    for (let round = 0; round < 2; round++) for (const server of servers) await ask(server, 2);
    const after = await Promise.all(servers.map(done));
    const [wasm, alone, batched] = after.map((now, index) => {
      const then = before[index] as typeof now;
      const crops = now.crops - then.crops;
      return {
        milliseconds: (1000 * (now.cpuSeconds - then.cpuSeconds)) / crops,
        batch: crops / (now.inferences - then.inferences),
      };
    }) as [Cost, Cost, Cost];
    console.log('processor time and crops of an inference:', JSON.stringify({ wasm, alone, batched }));
    // Measured 3.2 to 3.3 and 1.2 to 1.5 times.
    expect(wasm.milliseconds / batched.milliseconds).toBeGreaterThan(1.5);
    expect(alone.milliseconds / batched.milliseconds).toBeGreaterThan(1.1);
    // The controls: one has shared inferences and the others have not.
    expect([wasm.batch, alone.batch]).toEqual([1, 1]);
    expect(batched.batch).toBeGreaterThan(8);
  });
});

interface Cost {
  /** Of processor time, a crop. */
  milliseconds: number;
  /** Crops of an inference. */
  batch: number;
}
