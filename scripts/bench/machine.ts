import { cpus } from 'node:os';

/** What figures were measured on, for the line below a table: the processor by its family's name, without a number. */
export function machine(): string {
  const [first] = cpus();
  const model = (first?.model ?? 'unknown processor')
    .replace(/\(R\)|\(TM\)|\d+-Core|Processor/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  return `${cpus().length} cores of ${model}, ${process.platform} ${process.arch}, Node ${process.versions.node}`;
}

/** ISO date. */
export const today = (): string => new Date().toISOString().slice(0, 10);
