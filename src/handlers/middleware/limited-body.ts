import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../env.js';
import { ApiError } from '../errors.js';

/**
 * Reads the body into `c.get('body')`, at most `maxBytes` of it. The bytes themselves are counted, so a
 * missing or wrong Content-Length lets nothing through; an honest one that is too large is refused unread.
 *
 * (Hono's own bodyLimit believes Content-Length, and otherwise rebuilds the request.)
 *
 * @throws ApiError `body_too_large`; `invalid_request` where the client stops sending
 */
export function limitedBody(maxBytes: number): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (Number(c.req.header('content-length')) > maxBytes) throw tooLarge(maxBytes);
    c.set('body', await readAtMost(c.req.raw.body, maxBytes));
    await next();
  };
}

async function readAtMost(stream: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  if (!stream) return new Uint8Array();
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new ApiError('invalid_request', 'The body ended before it was complete.', { cause });
    });
    if (done) break;
    size += value.length;
    if (size > maxBytes) {
      // Left unread and not cancelled: what becomes of the rest is the runtime's matter (see worker/drain.ts).
      reader.releaseLock();
      throw tooLarge(maxBytes);
    }
    chunks.push(value);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

const tooLarge = (maxBytes: number) =>
  new ApiError('body_too_large', `The body is larger than ${maxBytes} bytes.`, {
    details: { maxBodyBytes: maxBytes },
  });
