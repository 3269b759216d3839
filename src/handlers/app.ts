import { Hono, type MiddlewareHandler } from 'hono';
import { requestId } from 'hono/request-id';
import type { Recognizer } from '../model/recognizer.js';
import type { AppEnv } from './env.js';
import { useErrorEnvelope } from './middleware/errors.js';
import { expressions } from './routes/expressions.js';
import { health } from './routes/health.js';
import { inference } from './routes/inference.js';
import { site } from './routes/site.js';
import type { Site } from './site.js';

/** 10 MiB. Counts what is sent, so base64 leaves room for an image of three quarters of it. */
export const DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024;

export interface AppOptions {
  recognizer: Pick<Recognizer, 'recognize' | 'classify' | 'describe'>;
  /** Whether the recognizer has warmed up. */
  ready: () => boolean;
  /** Largest request body, bytes. Default 10 MiB. */
  maxBodyBytes?: number;
  /** What is answered at `/`, `/docs` and `/openapi.json`. Default nothing. */
  site?: Site | undefined;
  /** What this runtime alone does before the routes. Default none. */
  middleware?: MiddlewareHandler<AppEnv>[];
}

/**
 * The one app. It knows nothing of where it runs: each runtime's entry makes a recognizer and serves this.
 *
 * @example
 * const app = createApp({ recognizer, ready: () => true });
 * const answer = await app.request('/v1/expressions', { method: 'POST', body: photo });
 */
export function createApp(options: AppOptions): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(requestId());
  useErrorEnvelope(app);
  for (const middleware of options.middleware ?? []) app.use(middleware);
  const { recognizer, ready, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options;
  if (options.site) app.route('/', site(options.site));
  app.route('/', health(ready));
  app.route('/', expressions(recognizer, maxBodyBytes));
  app.route('/', inference(recognizer, ready, maxBodyBytes));
  return app;
}
