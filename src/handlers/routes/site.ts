import { type Context, Hono } from 'hono';
import type { AppEnv } from '../env.js';
import type { Site } from '../site.js';

/**
 * `GET /`: the page for people. `GET /docs`, `GET /openapi.json`: the API. What the two pages may load stands in their
 * HTML.
 */
export function site({ page, docs, openApi }: Site): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const html = (text: string) => (c: Context<AppEnv>) => {
    c.header('cache-control', 'no-cache');
    return c.html(text);
  };
  routes.get('/', html(page));
  routes.get('/docs', html(docs));
  routes.get('/openapi.json', (c) => c.json(openApi));
  return routes;
}
