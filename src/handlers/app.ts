import { Hono, type MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import type { Recognizer } from '../model/recognizer.js';
import type { AppEnv } from './env.js';
import type { Guard } from './guard.js';
import { apiKey } from './middleware/api-key.js';
import { errorsAlone, otherMethods, useErrorEnvelope } from './middleware/errors.js';
import { propagating } from './propagated-headers.js';
import { expressions } from './routes/expressions.js';
import { health } from './routes/health.js';
import { huggingFace } from './routes/huggingface.js';
import { HEADER_LENGTH } from './routes/inference/tensors.js';
import { inference } from './routes/inference.js';
import { site } from './routes/site.js';
import type { Site } from './site.js';

/** 10 MiB. Counts what is sent, so base64 leaves room for an image of three quarters of it. */
export const DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024;

export const DEFAULT_RECEIVE_MS = 30_000;

export interface AppOptions {
  recognizer: Pick<Recognizer, 'recognize' | 'classify' | 'describe'>;
  /** Whether the recognizer has warmed up. */
  ready: () => boolean;
  /** Largest request body, bytes. Default 10 MiB. */
  maxBodyBytes?: number;
  /** Longest wait for a whole body, milliseconds. Default 30 s. */
  receiveMs?: number;
  /** What is answered at `/`, `/docs` and `/openapi.json`. Default nothing. */
  site?: Site | undefined;
  /** Who may ask, by the runtime's environment. Default everybody. */
  guard?: (env: unknown) => Guard;
  /** Limits those who may ask. Default nobody. */
  limits?: MiddlewareHandler<AppEnv>[];
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
  app.use(propagating);
  useErrorEnvelope(app);
  app.use(secureHeaders());
  for (const middleware of options.middleware ?? []) app.use(middleware);
  app.use(otherMethods(app));
  for (const path of ASKED) {
    // Before the key: a browser asks leave without one.
    if (options.guard) app.use(path, crossOrigin(options.guard), apiKey(options.guard));
    for (const limit of options.limits ?? []) app.use(path, limit);
  }
  app.use(errorsAlone);
  const { recognizer, ready } = options;
  const { maxBodyBytes = DEFAULT_MAX_BODY_BYTES, receiveMs = DEFAULT_RECEIVE_MS } = options;
  const limits = { maxBodyBytes, receiveMs };
  if (options.site) app.route('/', site(options.site));
  app.route('/', health(ready));
  app.route('/', expressions(recognizer, limits));
  app.route('/', huggingFace(recognizer, limits));
  app.route('/', inference(recognizer, ready, limits));
  return app;
}

/** What computes asks for a key; health, documents and the page do not. */
const ASKED = ['/v1/*', '/v2', '/v2/models/*', '/huggingface', '/invocations'];

const crossOrigin = (guard: (env: unknown) => Guard) =>
  cors({
    origin: (origin, c) => (guard(c.env).corsOrigins.includes(origin) ? origin : null),
    allowMethods: ['GET', 'POST'],
    maxAge: 600, // seconds: a page with a camera would otherwise ask leave every few frames
    exposeHeaders: ['Retry-After', 'X-Request-Id', HEADER_LENGTH],
  });
