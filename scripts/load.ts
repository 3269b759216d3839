/**
 * Puts servers under load and writes docs/BENCHMARKS.md's section `load`: throughput and latency by clients and largest
 * batch, on wasm and, where it is installed, native TensorFlow.
 *
 * npm run load [-- --seconds 2 --rounds 6]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findPackage } from '../src/assets/native.js';
import { packageRoot } from '../src/assets/node.js';
import { MienError } from '../src/model/errors.js';
import { writeSection } from './lib/benchmarks.js';
import { main } from './lib/main.js';
import { inferRequest, measure } from './load/measure.js';
import { coresOfOthers, takenSoFar } from './load/others.js';
import { ONE_THREAD, sectionOf } from './load/section.js';
import { type Running, type Subject, startSubject } from './load/servers.js';

const CLIENTS = [1, 8, 32];
const NATIVE = findPackage('@tensorflow/tfjs-node', join(packageRoot(), 'native')) !== undefined;

/** Those that section.ts compares among them. */
const SUBJECTS: Subject[] = [
  { name: ONE_THREAD, batchMax: 1, env: { BACKEND: 'wasm', THREADS: '1' } },
  ...[1, 32].map((batchMax) => ({ name: 'wasm', batchMax, env: { BACKEND: 'wasm' } })),
  ...(NATIVE ? [1, 8, 32] : []).map((batchMax) => ({ name: 'node', batchMax, env: { BACKEND: 'node' } })),
];

/** A face-like crop: smooth, so that no layer is all zeros. */
const crop = Uint8Array.from(
  { length: 48 * 48 },
  (_, i) => 128 + 100 * Math.sin(i / 48 / 5) * Math.cos((i % 48) / 7),
);

/** Servers that answer something else are not compared. */
async function checkAnswers(servers: Running[]): Promise<void> {
  const answers = await Promise.all(
    servers.map(async ({ url }) => {
      const { body, headers } = inferRequest(crop);
      const init = { method: 'POST', body: body as unknown as BodyInit, headers };
      const response = await fetch(`${url}/v2/models/mien/infer`, init);
      return ((await response.json()) as { outputs: [{ data: number[] }] }).outputs[0].data;
    }),
  );
  const [first] = answers as [number[]];
  const apart = Math.max(
    ...answers.flatMap((data) => data.map((value, i) => Math.abs(value - (first[i] as number)))),
  );
  if (!(apart < 1e-4)) throw new MienError('internal', `The servers' scores differ by ${apart}.`);
}

main(async () => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '6' },
    },
  });
  const plan = { clients: CLIENTS, seconds: Number(values.seconds), rounds: Number(values.rounds) };
  if (!NATIVE) console.log('native TensorFlow is not installed (npm run setup:native): measuring wasm alone');
  const servers: Running[] = [];
  try {
    for (const subject of SUBJECTS) servers.push(await startSubject(subject));
    await checkAnswers(servers);
    const before = await takenSoFar(servers);
    const cells = await measure(servers, crop, plan);
    const others = coresOfOthers(before, await takenSoFar(servers));
    const options = process.argv.slice(2);
    const command = ['npm run load', ...(options.length > 0 ? ['--', ...options] : [])].join(' ');
    const section = sectionOf(cells, { others, command });
    writeSection('load', section);
    console.log(section);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});
