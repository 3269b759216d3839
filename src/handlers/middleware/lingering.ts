import type { HttpBindings } from '@hono/node-server';
import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../env.js';

/** How long a refused body is read, milliseconds, and how much of it: as long as on a connection that is kept. */
const LINGER_MS = 500;
const LINGER_BYTES = 64 * 1024 * 1024;

/**
 * Reads, unlooked at, the body of a request that was refused unread, where its client wants the connection closed: Node hangs
 * up with the answer, and who is still sending, as nginx and Python's urllib are, would see a broken connection instead.
 */
export const lingering: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  const { outgoing } = c.env as unknown as HttpBindings;
  if (outgoing.shouldKeepAlive || ['GET', 'HEAD'].includes(c.req.method)) return;
  const { body } = c.req.raw;
  if (body && !body.locked) await readBriefly(body);
};

async function readBriefly(body: ReadableStream<Uint8Array>): Promise<void> {
  const signal = AbortSignal.timeout(LINGER_MS);
  let bytes = 0;
  const sink = new WritableStream<Uint8Array>({
    write(chunk) {
      bytes += chunk.length;
      if (bytes > LINGER_BYTES) throw new Error('enough');
    },
  });
  await body.pipeTo(sink, { signal, preventCancel: true }).catch(() => {});
}
