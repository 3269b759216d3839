import { join } from 'node:path';
import { findPackage } from '../src/assets/native.js';
import { packageRoot } from '../src/assets/node.js';
import { MienError } from '../src/model/errors.js';
import { writeSection } from './lib/benchmarks.js';
import { main, npmCommand } from './lib/command.js';
import { nonNegative, positive } from './lib/options.js';
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

const command = npmCommand('load')
  .description(
    "Puts servers under load and writes docs/BENCHMARKS.md's section: throughput and latency by clients and largest batch, on wasm and, where it is installed, native TensorFlow.",
  )
  .option('--seconds <n>', 'each server is under load in a round, by so many clients', nonNegative, 2)
  .option('--rounds <n>', 'turns that each takes', positive, 6);

async function load(options: ReturnType<typeof command.opts>): Promise<void> {
  const plan = { clients: CLIENTS, ...options };
  if (!NATIVE) console.log('native TensorFlow is not installed (npm run setup:native): measuring wasm alone');
  const servers: Running[] = [];
  try {
    for (const subject of SUBJECTS) servers.push(await startSubject(subject));
    await checkAnswers(servers);
    const before = await takenSoFar(servers);
    const cells = await measure(servers, crop, plan);
    const others = coresOfOthers(before, await takenSoFar(servers));
    const given = process.argv.slice(2);
    const asked = ['npm run load', ...(given.length > 0 ? ['--', ...given] : [])].join(' ');
    const section = sectionOf(cells, { others, command: asked });
    writeSection('load', section);
    console.log(section);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

main(command.action(load));
