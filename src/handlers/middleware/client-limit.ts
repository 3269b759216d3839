import { getConnInfo } from '@hono/node-server/conninfo';
import type { MiddlewareHandler } from 'hono';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { networkOf } from '../client-network.js';
import type { AppEnv } from '../env.js';
import { ApiError } from '../errors.js';

/**
 * Gives every key, or without keys every address, its share of a minute. Counts in this process alone.
 *
 * @throws ApiError `rate_limited`, answered as 429 with Retry-After
 */
export function clientLimit(requestsAMinute: number): MiddlewareHandler<AppEnv> {
  const limiter = new RateLimiterMemory({ points: requestsAMinute, duration: 60 });
  return async (c, next) => {
    try {
      await limiter.consume(c.get('client') ?? networkOf(getConnInfo(c).remote.address ?? 'unknown'));
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      const retryAfterSeconds = Math.ceil(refused.msBeforeNext / 1000);
      throw new ApiError('rate_limited', `At most ${requestsAMinute} requests a minute.`, {
        details: { retryAfterSeconds },
      });
    }
    await next();
  };
}
