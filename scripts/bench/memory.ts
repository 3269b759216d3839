import { ask, startNodeServer } from './node-server.js';
import { photo } from './pictures.js';

const REQUESTS = 200;
/** Requests at a time. */
const TOGETHER = 4;

export interface ServerMemory {
  /** Bytes of memory that the process has. */
  warm: number;
  after: number;
  most: number;
  requests: number;
}

/** What the Node server holds after its first answer, and after many, four at a time. */
export async function serverMemory(): Promise<ServerMemory> {
  const bytes = photo();
  const server = await startNodeServer();
  try {
    await ask(server.url, bytes);
    const warm = server.memory().now;
    for (let sent = 0; sent < REQUESTS; sent += TOGETHER)
      await Promise.all(Array.from({ length: TOGETHER }, () => ask(server.url, bytes)));
    const { now: after, most } = server.memory();
    return { warm, after, most, requests: REQUESTS };
  } finally {
    await server.stop();
  }
}
