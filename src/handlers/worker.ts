/** The Cloudflare Workers entry: `npm run edge:dev`, `npm run edge:deploy`; configured by wrangler.jsonc. */
import './worker/no-eval.js';
import type { MiddlewareHandler } from 'hono';
import { bundledAssets, bundledModel, bundledSite } from '../assets/bundled.js';
import { createRecognizer } from '../model/recognizer.js';
import { createApp } from './app.js';
import { readEnvironment } from './environment.js';
import { type Guard, readGuard } from './guard.js';
import { lazyRecognizer } from './lazy-recognizer.js';
import { log } from './log.js';
import { createUpstream, type Upstream, upstreamSettings, withUpstream } from './upstream.js';
import { drain } from './worker/drain.js';
import { rateLimit } from './worker/rate-limit.js';

/**
 * Largest image decoded, in pixels. An isolate has 128 MB for all its requests, so this is set by memory:
 * docs/edge.md has the measurements.
 */
const MAX_PIXELS = 2_100_000;

/** Largest request body, bytes: it is in memory beside the decoded image. */
const MAX_BODY_BYTES = 6 * 1024 * 1024;

/** A decoder keeps its memory only up to this many bytes, since three of them share the isolate. */
const KEEP_DECODER_BYTES = 8 * 1024 * 1024;

const recognizer = lazyRecognizer(() =>
  createRecognizer({
    assets: bundledAssets,
    model: bundledModel,
    backend: 'wasm',
    maxPixels: MAX_PIXELS,
    keepBytes: KEEP_DECODER_BYTES,
    queue: (classifier, { version }) => withUpstream(classifier, version, () => settings?.upstream),
  }),
);

// While the isolate starts, which has CPU time of its own: the first photo then waits for nothing. All of it
// is CPU, no I/O, so no promise ties one request to another. If it fails, requests try again and say so.
recognizer.warmUp().catch((error: unknown) => log('error', 'The model does not start.', { error }));

/** Settings come with the first request: variables and secrets of the Worker. */
let settings: { guard: Guard; upstream: Upstream | undefined } | undefined;
const guard = (env: unknown): Guard => {
  const variables = env as Record<string, string | undefined>;
  settings ??= {
    guard: readGuard(variables),
    upstream: createUpstream(readEnvironment(upstreamSettings, variables)),
  };
  return settings.guard;
};

/** As on Node a wrong setting lets nothing run, so that it is seen at once. */
const configured: MiddlewareHandler = async (c, next) => {
  guard(c.env);
  await next();
};

export default createApp({
  recognizer,
  ready: () => recognizer.ready(),
  maxBodyBytes: MAX_BODY_BYTES,
  site: bundledSite,
  guard,
  limits: [rateLimit],
  middleware: [configured, drain],
});
