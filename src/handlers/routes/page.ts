import { Hono } from 'hono';
import type { AppEnv } from '../env.js';

/** `GET /`: the page for people. What it may load is in the HTML itself, made by scripts/lib/page-bundle.ts. */
export function page(html: string): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get('/', (c) => {
    c.header('cache-control', 'no-cache');
    return c.html(html);
  });
  return routes;
}
