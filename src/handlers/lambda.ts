/**
 * The AWS Lambda entry: `npm run lambda:build` bundles it to dist/lambda, handler `index.handler`. For Function
 * URLs, API Gateway (HTTP and REST) and ALB.
 */
import { handle, type LambdaEvent } from 'hono/aws-lambda';
import { bundledAssets, bundledModel, bundledSite } from '../assets/bundled.js';
import { createRecognizer } from '../model/recognizer.js';
import { createApp } from './app.js';
import { readEnvironment } from './environment.js';
import { readGuard } from './guard.js';
import { lazyRecognizer } from './lazy-recognizer.js';
import { log } from './log.js';
import { logged } from './middleware/logged.js';
import { createUpstream, upstreamSettings, withUpstream } from './upstream.js';

/** Largest image decoded, in pixels: at about 8 bytes a pixel it fits a function of 512 MB beside the networks. */
const MAX_PIXELS = 24_000_000;

/** Lambda's own limit on an event, bytes: base64 leaves three quarters of it to the image. */
const MAX_BODY_BYTES = 6 * 1024 * 1024;

const upstream = createUpstream(readEnvironment(upstreamSettings, process.env));

const recognizer = lazyRecognizer(() =>
  createRecognizer({
    assets: bundledAssets,
    model: bundledModel,
    backend: 'wasm',
    maxPixels: MAX_PIXELS,
    queue: (classifier, { version }) => withUpstream(classifier, version, () => upstream),
  }),
);

// While the function is initialised, which Lambda does with a full CPU whatever the memory. If it fails,
// requests try again and say so.
await recognizer.warmUp().catch((error: unknown) => log('error', 'The model does not start.', { error }));

/** From the function's environment: API_KEYS, ANONYMOUS, CORS_ORIGINS (guard.ts); above GPU_URL (upstream.ts). */
const guard = readGuard(process.env);

const app = createApp({
  recognizer,
  ready: () => recognizer.ready(),
  maxBodyBytes: MAX_BODY_BYTES,
  site: bundledSite,
  guard: () => guard,
  middleware: [logged],
});

/** Answers in bytes, which are those of the binary tensor extension, the adapter encodes in base64. */
const answer = handle(app);

export const handler = (event: LambdaEvent) => answer(withoutUnreadBody(event));

/** Nobody reads what a GET or HEAD carries, and no Request can be made of it. */
function withoutUnreadBody(event: LambdaEvent): LambdaEvent {
  const method = 'httpMethod' in event ? event.httpMethod : methodOf(event.requestContext);
  return method === 'GET' || method === 'HEAD' ? { ...event, body: null } : event;
}

/** Of payload format 2.0. */
const methodOf = (context: object | undefined) =>
  (context as { http?: { method: string } } | undefined)?.http?.method;
