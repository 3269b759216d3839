/** How the server stops: it accepts nothing more, and answers what it has accepted. */
import { setMaxListeners } from 'node:events';
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { HttpBindings } from '@hono/node-server';
import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../env.js';
import { ApiError } from '../errors.js';
import { log } from '../log.js';

/** Longest wait for requests in flight after a signal: containers are killed 30 s after it. */
const DRAIN_MS = 25_000;
/** How long a client that was accepted may take to send its request's headers while the server stops, milliseconds. */
const QUIET_MS = 2_000;

export interface Draining {
  /** Aborted as soon as the server stops. */
  signal: AbortSignal;
  /** Counts requests, and tells clients that their connection ends. */
  middleware: MiddlewareHandler<AppEnv>;
  /**
   * Stops the server and ends the process; a second call does nothing.
   * @param code what it exits with, or 1 where that takes more than 25 s
   * @param flush what is left to do once all is answered
   */
  drain(server: Server, code: number, flush?: () => Promise<void>): void;
}

export function createDraining(): Draining {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // every open stream listens
  let [accepted, answered] = [0, 0];
  return {
    signal: stopping.signal,
    async middleware(c, next) {
      accepted++;
      c.set('stopping', stopping.signal);
      whenSent(c.env as unknown as HttpBindings, () => {
        answered++;
      });
      await next();
      // The connection's next request would come to a server that has gone.
      if (stopping.signal.aborted) c.header('connection', 'close');
    },
    drain(server, code, flush) {
      if (stopping.signal.aborted) return;
      stopping.abort(new ApiError('not_ready', 'The server is stopping.'));
      // Not HTTP's own, which drops what is handed over but not yet sent, as that of a client that reads slowly.
      NetServer.prototype.close.call(server, async () => {
        log('info', 'stopped', { accepted, answered });
        await flush?.();
        process.exit(code);
      });
      // What is still open then waits for a next request, or for its first, as connections do that browsers open beforehand.
      setInterval(() => accepted === answered && server.closeAllConnections(), QUIET_MS);
      setTimeout(() => process.exit(1), DRAIN_MS);
    },
  };
}

/** Acts once an answer is sent to the last byte, or cannot be: a slow client takes long over what was answered at once. */
function whenSent({ incoming: { socket }, outgoing }: HttpBindings, act: () => void): void {
  // Node tells only the answer whose turn it is that its client has gone: those that wait behind it, of a client that asked
  // on without waiting, are told here, so that nothing more is done for them.
  const gone = () => !outgoing.closed && outgoing.emit('close');
  setMaxListeners(0, socket); // any number of them may wait
  socket.once('close', gone);
  outgoing.once('close', () => {
    socket.off('close', gone);
    act();
  });
}
