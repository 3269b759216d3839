/** What becomes of clients that do not take their answers. */
import type { Server } from 'node:http';

/** Node looks every second for headers that are late: those are answered with 408 before their connection ends here. */
const AFTER_HEADERS_MS = 2_000;

/**
 * Ends a connection on which nothing moves for so long, unless its answer is still being made: a client that takes nothing
 * of an answer would hold it for ever.
 */
export function endUntaken(server: Server, ms: number): void {
  server.setTimeout(ms + AFTER_HEADERS_MS);
  server.on('request', (_, answer) => {
    // Where somebody listens, Node itself ends nothing.
    answer.on('timeout', (socket) => {
      if (answer.writableEnded || answer.writableNeedDrain) socket.destroy();
    });
  });
}
