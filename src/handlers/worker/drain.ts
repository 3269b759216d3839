import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../env.js';

/**
 * Reads to its end, unlooked at, the body of a request that was refused unread or half read: workerd resets the connection
 * otherwise, and a client that is still sending never sees why. Cloudflare lets at most 100 MB through.
 */
export const drain: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  const { body } = c.req.raw;
  if (body && !body.locked) await body.pipeTo(new WritableStream()).catch(() => {});
};
