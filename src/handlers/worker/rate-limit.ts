import type { MiddlewareHandler } from 'hono';
import { networkOf } from '../client-network.js';
import type { AppEnv } from '../env.js';
import { ApiError } from '../errors.js';

/** Cloudflare's rate-limit binding, as far as it is used. Counts for each location of theirs by itself. */
export interface RateLimiter {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

/** What wrangler.jsonc binds. */
export interface WorkerBindings {
  /** Without it nobody is limited. */
  RATE_LIMIT?: RateLimiter;
}

/** `period` of the binding in wrangler.jsonc, seconds: after it a client has its whole share again. */
const PERIOD_SECONDS = 60;

/**
 * Gives every key, or without keys every client address, its share of a minute.
 *
 * @throws ApiError `rate_limited`, answered as 429 with Retry-After
 */
export const rateLimit: MiddlewareHandler<AppEnv> = async (c, next) => {
  const limiter = (c.env as WorkerBindings | undefined)?.RATE_LIMIT;
  if (limiter) {
    // Cloudflare sets the header, and takes it off where a client has sent it.
    const key = c.get('client') ?? networkOf(c.req.header('cf-connecting-ip') ?? 'unknown');
    const { success } = await limiter.limit({ key });
    if (!success) {
      throw new ApiError('rate_limited', 'Too many requests.', {
        details: { retryAfterSeconds: PERIOD_SECONDS },
      });
    }
  }
  await next();
};
