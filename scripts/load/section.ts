import { measuredBy } from '../bench/markdown.js';
import { median } from '../lib/statistics.js';
import { bestRatio, type Cell, ratio } from './measure.js';

/** What the server that infers on one thread alone is called. */
export const ONE_THREAD = 'wasm, one thread';

const figure = (values: number[], digits = 0) => median(values).toFixed(digits);

/** How it was measured. */
export interface Circumstances {
  /** Cores that other work kept busy meanwhile. */
  others: number;
  command: string;
}

/** Markdown of docs/BENCHMARKS.md's section `load`. */
export function sectionOf(cells: Cell[], { others, command }: Circumstances): string {
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
      `${bestRatio(cell, reference(cell.clients)).toFixed(2)}×`,
      figure(cell.p50, 1),
      figure(cell.p99, 1),
    ].join(' | '),
  );
  const compared: [string, Cell | undefined, Cell | undefined][] = [
    ['native TensorFlow in batches against wasm without', of('node', 32), of('wasm', 1)],
    ['native TensorFlow in batches against wasm without, on one thread', of('node', 32), of(ONE_THREAD, 1)],
    ['native TensorFlow in batches against itself without', of('node', 32), of('node', 1)],
    ['wasm in batches against itself without', of('wasm', 32), of('wasm', 1)],
  ];
  const sentences = compared.flatMap(([what, one, other]) =>
    one && other
      ? [`- ${what}: **${ratio(one, other).toFixed(2)}×**, best rounds ${bestRatio(one, other).toFixed(2)}×`]
      : [],
  );
  return `## The server under load

Clients that each send one crop to \`/v2/models/mien/infer\`, again as soon as they are answered, from the same machine.
Medians of ${cells[0]?.throughput.length} rounds. Ratios are against wasm without batches and as many clients: of the same round, and of each
one's best round, which other work on the machine has disturbed least.

| backend | largest batch | clients | crops/s | ratio | of the best | p50 ms | p99 ms |
|---|--:|--:|--:|--:|--:|--:|--:|
${rows.map((row) => `| ${row} |`).join('\n')}

With 32 clients:

${sentences.join('\n')}

Other work took ${others.toFixed(2)} cores meanwhile. ${measuredBy(command)}`;
}
