import { Hono } from 'hono';
import type { AppEnv } from '../env.js';
import { ApiError } from '../errors.js';

/** @throws ApiError `not_ready` */
export function whenReady(ready: () => boolean): void {
  if (!ready()) throw new ApiError('not_ready', 'The model is not ready.');
}

/** `GET /healthz`: the process answers. `GET /readyz`: it has warmed up, so photos may be sent. */
export function health(ready: () => boolean): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get('/healthz', (c) => c.json({ status: 'ok' }));
  routes.get('/readyz', (c) => {
    whenReady(ready);
    return c.json({ status: 'ready' });
  });
  return routes;
}
