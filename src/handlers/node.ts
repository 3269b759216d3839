/**
 * The Node entry: `npm start`. Settings come from the environment, see config.ts; the argument `serve` is SageMaker's.
 */
import { setMaxListeners } from 'node:events';
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import type { MiddlewareHandler } from 'hono';
import { loadAssets, loadSite, publicFolder } from '../assets/node.js';
import { loadModel } from '../assets/node-model.js';
import { MienError } from '../model/errors.js';
import type { Classifier, ModelFiles, QueuedClassifier } from '../model/model.js';
import { createApp } from './app.js';
import { type Batcher, createBatcher } from './batching.js';
import { chooseBackend } from './choose-backend.js';
import { type Config, readConfig } from './config.js';
import type { AppEnv } from './env.js';
import { ConfigError } from './environment.js';
import { ApiError } from './errors.js';
import { guardOf } from './guard.js';
import { lazyRecognizer } from './lazy-recognizer.js';
import { log } from './log.js';
import { createMetrics } from './metrics.js';
import { atEnd } from './middleware/at-end.js';
import { clientLimit } from './middleware/client-limit.js';
import { concurrencyLimit } from './middleware/concurrency-limit.js';
import { logged } from './middleware/logged.js';
import { metered } from './middleware/metered.js';
import { observed } from './observed.js';
import { sageMaker } from './routes/sagemaker.js';
import { createThreadedRecognizer } from './threads/threaded-recognizer.js';
import { createUpstream, withUpstream } from './upstream.js';

/** Longest wait for requests in flight after a signal: containers are killed 30 s after it. */
const DRAIN_MS = 25_000;
/** How long a client that was accepted may take to send its request's headers while the server stops, milliseconds. */
const QUIET_MS = 2_000;

function fail(error: unknown): never {
  if (error instanceof ConfigError || MienError.is(error)) console.error(`error: ${error.message}`);
  else console.error(error);
  process.exit(1);
}

async function start(config: Config): Promise<void> {
  const began = performance.now();
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // every open stream listens
  let batcher: Batcher | undefined;
  let photosWaiting = () => 0;
  const metrics = createMetrics({
    queueLength: () => batcher?.length() ?? 0,
    photosWaiting: () => photosWaiting(),
  });
  const tracing = config.OTEL_EXPORTER_OTLP_ENDPOINT
    ? (await import('./tracing.js')).startTracing()
    : undefined;
  const upstream = createUpstream(config, { onResult: metrics.upstream, inject: tracing?.inject });
  const queue = (
    classifier: Classifier | QueuedClassifier,
    { version }: ModelFiles,
    parallel: number,
  ): QueuedClassifier => {
    batcher = createBatcher(classifier, {
      parallel,
      batchMax: config.BATCH_MAX,
      waitMs: config.BATCH_WAIT_MS,
      queueMax: config.QUEUE_MAX,
      deadlineMs: config.QUEUE_TIMEOUT_MS,
      onBatch: metrics.batch,
    });
    return withUpstream(batcher, version, () => upstream);
  };
  const lazy = lazyRecognizer(async () => {
    const [assets, model] = await Promise.all([loadAssets(), loadModel(config.MODEL)]);
    const backend = await chooseBackend(config.BACKEND, assets);
    metrics.backend(backend);
    const { recognizer, waiting } = await createThreadedRecognizer({
      threads: config.THREADS,
      assets,
      model,
      backend,
      maxPixels: config.MAX_PIXELS,
      waitMs: config.QUEUE_TIMEOUT_MS,
      workMs: config.PHOTO_TIMEOUT_MS,
      hopeless() {
        log('error', 'Nothing can be computed here any more; the server stops, so that it is started anew.');
        drain(1);
      },
      queue,
    });
    photosWaiting = waiting;
    return recognizer;
  });
  const recognizer = observed(lazy, (timing) => {
    metrics.photo(timing);
    tracing?.stages(timing);
  });
  let [accepted, answered] = [0, 0];
  const ready = () => recognizer.ready() && !stopping.signal.aborted;
  const counted: MiddlewareHandler<AppEnv> = async (c, next) => {
    accepted++;
    c.set('stopping', stopping.signal);
    await next();
    atEnd(c, () => {
      answered++;
    });
    // The connection's next request would come to a server that has gone.
    if (stopping.signal.aborted) c.header('connection', 'close');
  };
  const guard = guardOf(config);
  const limits = { maxBodyBytes: config.MAX_BODY_BYTES, receiveMs: config.RECEIVE_TIMEOUT_MS };
  const app = createApp({
    recognizer,
    ready,
    ...limits,
    guard: () => guard,
    limits: [
      ...(config.RATE_LIMIT > 0 ? [clientLimit(config.RATE_LIMIT)] : []),
      concurrencyLimit(config.MAX_CONCURRENT),
    ],
    middleware: [...(tracing ? [tracing.middleware] : []), counted, logged, metered(metrics)],
    site: await loadSite(),
  });
  app.use('/browser/*', serveStatic({ root: publicFolder() }));
  app.get('/metrics', async (c) =>
    c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  );
  app.route('/', sageMaker(recognizer, ready, limits));

  // Listens before it loads: whoever watches sees at once that the process lives, and photos wait.
  const { PORT: port, HOST: hostname } = config;
  const serverOptions = {
    headersTimeout: config.RECEIVE_TIMEOUT_MS,
    // Not Node's five minutes: bodies have limits of their own, and a stream lasts as long as its lines come.
    requestTimeout: 0,
    connectionsCheckingInterval: 1000, // how often Node looks for late headers, half a minute by default
    // Longer than the balancer's 60 s (infra/lib/listener.ts): it would send a request where Node has just hung up.
    keepAliveTimeout: 65_000,
  };
  const server = serve({ fetch: app.fetch, port, hostname, serverOptions }, (address) => {
    log('info', `mien listens on ${url(hostname, address.port)}`);
    const warmUp = async () => {
      await recognizer.warmUp();
      const { backend } = await recognizer.describe();
      const ms = Math.round(performance.now() - began);
      log('info', `ready after ${ms} ms`, { model: config.MODEL, backend });
    };
    warmUp().catch(fail);
  }) as Server;
  server.on('error', (error: NodeJS.ErrnoException) => fail(listenError(error, config)));

  function drain(code: number): void {
    if (stopping.signal.aborted) return;
    stopping.abort(new ApiError('not_ready', 'The server is stopping.'));
    server.close(async () => {
      log('info', 'stopped', { accepted, answered });
      await tracing?.flush();
      process.exit(code);
    });
    // A connection whose last answer is out would otherwise be kept open for the next request.
    setInterval(() => server.closeIdleConnections(), 100);
    // Node does not count those as idle on which nothing has come yet, such as browsers open beforehand.
    setInterval(() => accepted === answered && server.closeAllConnections(), QUIET_MS);
    setTimeout(() => process.exit(1), DRAIN_MS);
  }
  process.once('SIGTERM', () => drain(0));
  process.once('SIGINT', () => drain(0));
}

/** An address that works where it is clicked on: 0.0.0.0 and :: are none. */
function url(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

function listenError(error: NodeJS.ErrnoException, { HOST, PORT }: Config): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${PORT} is in use. Set PORT to another one.`,
    EACCES: `Port ${PORT} may not be used by this user. Set PORT to one above 1023.`,
    EADDRNOTAVAIL: `${HOST} is not an address of this machine. Set HOST to one that is.`,
    ENOTFOUND: `${HOST} is not an address of this machine. Set HOST to one that is.`,
  };
  const reason = reasons[error.code ?? ''];
  return reason ? new ConfigError(reason) : error;
}

/** SageMaker starts a container as `IMAGE serve` and says on which port, 8080 otherwise; it checks itself who asks. */
function environment(): Record<string, string | undefined> {
  const [argument, ...rest] = process.argv.slice(2);
  if (argument === undefined) return process.env;
  if (argument !== 'serve' || rest.length > 0) throw new ConfigError('The only argument is "serve".');
  return {
    ...process.env,
    PORT: process.env.SAGEMAKER_BIND_TO_PORT || '8080',
    HOST: '0.0.0.0',
    ANONYMOUS: 'allow',
  };
}

try {
  await start(readConfig(environment()));
} catch (error) {
  fail(error);
}
