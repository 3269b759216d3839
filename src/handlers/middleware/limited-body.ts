import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../env.js';
import { ApiError } from '../errors.js';
import { gather, tooLarge } from '../gathered.js';
import { whenPlain } from '../plain-body.js';

/**
 * Reads the body into `c.get('body')`, at most `maxBodyBytes` of it. The bytes themselves are counted, so a
 * missing or wrong Content-Length lets nothing through; an honest one that is too large is refused unread.
 *
 * (Hono's own bodyLimit believes Content-Length, and otherwise rebuilds the request.)
 *
 * @throws ApiError `body_too_large`; `request_timeout`; `invalid_request` where the client stops sending;
 *   `unsupported_media_type` where it is compressed
 */
export function limitedBody({ maxBodyBytes, receiveMs }: BodyLimits): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    whenPlain(c.req.header('content-encoding'));
    if (Number(c.req.header('content-length')) > maxBodyBytes) throw tooLarge(maxBodyBytes);
    const late = timeLimit(receiveMs);
    try {
      c.set('body', await readAtMost(c.req.raw.body, maxBodyBytes, late.passed));
    } finally {
      late.clear();
    }
    await next();
  };
}

/** How much of a body is taken, and how long. */
export interface BodyLimits {
  /** Bytes. */
  maxBodyBytes: number;
  /** Longest wait for all of it, milliseconds. */
  receiveMs: number;
}

/** A promise that fails after so many milliseconds, or with the signal's reason, unless it is cleared. */
export function timeLimit(ms: number, signal?: AbortSignal): { passed: Promise<never>; clear(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let abort = () => {};
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ApiError('request_timeout', `Nothing whole came within ${ms} ms.`)),
      ms,
    );
    abort = () => reject(signal?.reason);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort);
  });
  // Nobody may be waiting when it fails.
  passed.catch(() => {});
  return {
    passed,
    clear() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    },
  };
}

async function readAtMost(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  late: Promise<never>,
): Promise<Uint8Array> {
  if (!stream) return new Uint8Array();
  const reader = stream.getReader();
  const gathered = gather(maxBytes);
  for (;;) {
    const { done, value } = await Promise.race([reader.read().catch(endedEarly), late]);
    if (done) return gathered.take();
    try {
      gathered.add(value);
    } catch (error) {
      // Left unread and not cancelled: what becomes of the rest is the runtime's matter (see worker/drain.ts).
      reader.releaseLock();
      throw error;
    }
  }
}

/** @throws ApiError `invalid_request` */
export function endedEarly(cause: unknown): never {
  throw new ApiError('invalid_request', 'The body ended before it was complete.', { cause });
}
