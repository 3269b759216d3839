import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../env.js';
import { ApiError } from '../errors.js';
import { atEnd } from './at-end.js';

/**
 * Keeps at most so many requests in work, streams until they end: their bodies and pictures are what takes memory.
 *
 * @throws ApiError `overloaded`, answered as 503 with Retry-After, the body unread
 */
export function concurrencyLimit(most: number): MiddlewareHandler<AppEnv> {
  let running = 0;
  return async (c, next) => {
    if (running >= most) throw new ApiError('overloaded', 'Too many requests are in work already.');
    running++;
    try {
      await next();
    } finally {
      atEnd(c, () => {
        running--;
      });
    }
  };
}
