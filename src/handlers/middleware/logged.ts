import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { AppEnv } from '../env.js';
import { log } from '../log.js';
import { atEnd } from './at-end.js';

/** Logs every request with its id: no query, no picture and no score. */
export const logged: MiddlewareHandler<AppEnv> = async (c, next) => {
  const began = performance.now();
  await next();
  const route = routePath(c, -1);
  const { status } = c.res;
  atEnd(c, () =>
    log('info', 'request', {
      requestId: c.get('requestId'),
      method: c.req.method,
      route: route.includes('*') ? 'none' : route,
      status,
      ms: Math.round(performance.now() - began),
    }),
  );
};
