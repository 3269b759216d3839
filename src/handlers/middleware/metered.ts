import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { AppEnv } from '../env.js';
import type { Metrics } from '../metrics.js';
import { atEnd } from './at-end.js';

/** Measures every request, under the route that it matched: the path itself would make a series of every typo. */
export function metered(metrics: Metrics): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const began = performance.now();
    await next();
    const route = routePath(c, -1);
    const known = route.includes('*') ? 'none' : route;
    const method = known === 'none' ? 'other' : c.req.method;
    const labels = { route: known, method, status: `${c.res.status}` };
    atEnd(c, () => metrics.request(labels, (performance.now() - began) / 1000));
  };
}
