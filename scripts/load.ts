/**
 * Puts servers under load and writes docs/BENCHMARKS.md's section `load`: throughput and latency by clients and largest
 * batch, on wasm and, where it is installed, native TensorFlow.
 *
 * npm run load [-- --seconds 3 --rounds 3]
 */
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findPackage } from '../src/assets/native.js';
import { packageRoot } from '../src/assets/node.js';
import { MienError } from '../src/model/errors.js';
import { writeSection } from './lib/benchmarks.js';
import { main } from './lib/main.js';
import { type Cell, inferRequest, measure, median, ratio } from './load/measure.js';
import { type Running, type Subject, startSubject } from './load/servers.js';

const CLIENTS = [1, 8, 32];
const NATIVE = findPackage('@tensorflow/tfjs-node', join(packageRoot(), 'native')) !== undefined;
const TFJS_KERNELS = 'wasm, tfjs’s kernels';

const SUBJECTS: Subject[] = [
  { name: TFJS_KERNELS, batchMax: 1, env: { BACKEND: 'wasm' }, imports: ['./scripts/load/tfjs-kernels.ts'] },
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

const figure = (values: number[], digits = 0) => median(values).toFixed(digits);

function markdown(cells: Cell[], command: string): string {
  const of = (name: string, batchMax: number, clients = 32) =>
    cells.find((cell) => cell.name === name && cell.batchMax === batchMax && cell.clients === clients);
  const reference = (clients: number) => of('wasm', 1, clients) as Cell;
  const rows = cells.map((cell) =>
    [
      cell.name,
      cell.batchMax,
      cell.clients,
      figure(cell.throughput),
      `${ratio(cell, reference(cell.clients)).toFixed(2)}×`,
      figure(cell.p50, 1),
      figure(cell.p99, 1),
    ].join(' | '),
  );
  const compared: [string, Cell | undefined, Cell | undefined][] = [
    ['native TensorFlow in batches against wasm without', of('node', 32), of('wasm', 1)],
    [
      'native TensorFlow in batches against wasm without, on tfjs’s kernels',
      of('node', 32),
      of(TFJS_KERNELS, 1),
    ],
    ['native TensorFlow in batches against itself without', of('node', 32), of('node', 1)],
    ['wasm in batches against itself without', of('wasm', 32), of('wasm', 1)],
    ['wasm against tfjs’s kernels, both without batches', of('wasm', 1), of(TFJS_KERNELS, 1)],
  ];
  const sentences = compared.flatMap(([what, one, other]) =>
    one && other ? [`- ${what}: **${ratio(one, other).toFixed(2)}×**`] : [],
  );
  const [{ model } = { model: 'unknown' }] = cpus();
  return `## The server under load

Clients that each send one crop to \`/v2/models/mien/infer\`, again as soon as they are answered, from the same machine.
Medians of ${cells[0]?.throughput.length} rounds; ratios are those of one round, against wasm without batches and as many clients.

| backend | largest batch | clients | crops/s | ratio | p50 ms | p99 ms |
|---|--:|--:|--:|--:|--:|--:|
${rows.map((row) => `| ${row} |`).join('\n')}

With 32 clients:

${sentences.join('\n')}

${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores of ${model.trim()}, ${process.platform} ${process.arch}, Node ${process.versions.node}: \`${command}\`.`;
}

main(async () => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const plan = { clients: CLIENTS, seconds: Number(values.seconds), rounds: Number(values.rounds) };
  if (!NATIVE) console.log('native TensorFlow is not installed (npm run setup:native): measuring wasm alone');
  const servers: Running[] = [];
  try {
    for (const subject of SUBJECTS) servers.push(await startSubject(subject));
    await checkAnswers(servers);
    const section = markdown(await measure(servers, crop, plan), 'npm run load');
    writeSection('load', section);
    console.log(section);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});
