import { load } from '../lib/load.js';
import { median } from '../lib/statistics.js';
import type { Running } from './servers.js';

/** Throughput and latency of one server asked by so many clients. */
export interface Cell {
  name: string;
  batchMax: number;
  clients: number;
  /** Of each round: crops a second. */
  throughput: number[];
  /** Of each round: milliseconds. */
  p50: number[];
  p99: number[];
}

export interface Plan {
  clients: number[];
  rounds: number;
  seconds: number;
}

/** Asks for one crop's scores in the Open Inference Protocol's binary form. */
export function inferRequest(crop: Uint8Array): { body: Buffer; headers: Record<string, string> } {
  const parameters = { binary_data_size: crop.length };
  const input = { name: 'crops', datatype: 'UINT8', shape: [1, 48, 48, 1], parameters };
  const json = JSON.stringify({ inputs: [input] });
  return {
    body: Buffer.concat([Buffer.from(json), crop]),
    headers: { 'inference-header-content-length': `${json.length}` },
  };
}

/**
 * Puts each server under load, one after another, and again in every round, so that whatever else the machine does
 * meets all of them alike.
 *
 * @throws Error where an answer is not 200
 */
export async function measure(servers: Running[], crop: Uint8Array, plan: Plan): Promise<Cell[]> {
  const cells = servers.flatMap(({ name, batchMax }) =>
    plan.clients.map((clients): Cell => ({ name, batchMax, clients, throughput: [], p50: [], p99: [] })),
  );
  // Those that are compared, with as many clients, come one right after the other.
  const inTurn = plan.clients.flatMap((clients) => cells.filter((cell) => cell.clients === clients));
  const request = inferRequest(crop);
  for (let round = -1; round < plan.rounds; round++) {
    for (const cell of inTurn) {
      const server = servers.find(({ name, batchMax }) => name === cell.name && batchMax === cell.batchMax);
      const url = `${(server as Running).url}/v2/models/mien/infer`;
      // The first round warms up: kernels are made for every size of batch.
      const seconds = round < 0 ? 1 : plan.seconds;
      const { throughput, p50, p99, errors, statuses } = await load({
        url,
        ...request,
        clients: cell.clients,
        seconds,
      });
      const bad = Object.keys(statuses).filter((status) => status !== '200');
      if (errors > 0 || bad.length > 0 || (round >= 0 && throughput === 0)) {
        throw new Error(`${cell.name}: ${errors} errors, statuses ${JSON.stringify(statuses)}`);
      }
      if (round < 0) continue;
      cell.throughput.push(throughput);
      cell.p50.push(p50);
      cell.p99.push(p99);
    }
  }
  return cells;
}

/** Of each one's best round: what they do while the machine leaves them alone. */
export const bestRatio = (one: Cell, other: Cell): number =>
  Math.max(...one.throughput) / Math.max(...other.throughput);

/** The median of the rounds' own ratios: the two of a round met the same machine. */
export const ratio = (one: Cell, other: Cell): number =>
  median(one.throughput.map((value, round) => value / (other.throughput[round] as number)));
