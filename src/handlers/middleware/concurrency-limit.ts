import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../env.js';
import { ApiError } from '../errors.js';

/**
 * Keeps at most so many requests in work: their bodies and pictures are what takes memory.
 *
 * @throws ApiError `overloaded`, answered as 503 with Retry-After, the body unread
 */
export function concurrencyLimit(most: number): MiddlewareHandler<AppEnv> {
  let running = 0;
  return async (_, next) => {
    if (running >= most) throw new ApiError('overloaded', 'Too many requests are in work already.');
    running++;
    try {
      await next();
    } finally {
      running--;
    }
  };
}
