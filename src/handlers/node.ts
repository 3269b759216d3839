/**
 * The Node entry: `npm start`. Settings come from the environment, see config.ts; the argument `serve` is SageMaker's.
 */
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import type { Context, Hono } from 'hono';
import { etag } from 'hono/etag';
import { z } from 'zod';
import { loadSite, publicFolder } from '../assets/node.js';
import { MienError } from '../model/errors.js';
import { createApp } from './app.js';
import { type Config, readConfig, settings } from './config.js';
import type { AppEnv } from './env.js';
import { ConfigError, readEnvironment } from './environment.js';
import { guardOf } from './guard.js';
import type { LazyRecognizer } from './lazy-recognizer.js';
import { log } from './log.js';
import { createMetrics, type Metrics } from './metrics.js';
import { clientLimit } from './middleware/client-limit.js';
import { concurrencyLimit } from './middleware/concurrency-limit.js';
import { lingering } from './middleware/lingering.js';
import { logged } from './middleware/logged.js';
import { metered } from './middleware/metered.js';
import { unreadBody } from './middleware/unread-body.js';
import { createDraining, type Draining } from './node/draining.js';
import { servedRecognizer } from './node/served-recognizer.js';
import { endUntaken } from './node/untaken.js';
import { observed } from './observed.js';
import { sageMaker } from './routes/sagemaker.js';
import type { Tracing } from './tracing.js';
import { createUpstream } from './upstream.js';

function fail(error: unknown): never {
  if (error instanceof ConfigError || MienError.is(error)) console.error(`error: ${error.message}`);
  else console.error(error);
  process.exit(1);
}

async function start(config: Config): Promise<void> {
  const began = performance.now();
  const draining = createDraining();
  const tracing = config.OTEL_EXPORTER_OTLP_ENDPOINT
    ? (await import('./tracing.js')).startTracing()
    : undefined;
  const metrics = createMetrics({
    queueLength: () => served.queueLength(),
    photosWaiting: () => served.photosWaiting(),
  });
  const served = servedRecognizer(config, {
    metrics,
    upstream: createUpstream(config, { onResult: metrics.upstream, inject: tracing?.inject }),
    hopeless() {
      log('error', 'Nothing can be computed here any more; the server stops, so that it is started anew.');
      drain(1);
    },
  });
  const recognizer = observed(served.recognizer, (timing) => {
    metrics.photo(timing);
    tracing?.stages(timing);
  });
  const app = await nodeApp(config, { recognizer, metrics, tracing, draining });
  // Listens before it loads: whoever watches sees at once that the process lives, and photos wait.
  const server = listen(app, config, async () => {
    await recognizer.warmUp();
    const { backend } = await recognizer.describe();
    const ms = Math.round(performance.now() - began);
    log('info', `ready after ${ms} ms`, { model: config.MODEL, backend });
  });
  const drain = (code: number) => draining.drain(server, code, tracing?.flush);
  // Not once: a signal that nobody hears kills, and what is in flight with it.
  process.on('SIGTERM', () => drain(0));
  process.on('SIGINT', () => drain(0));
}

interface Parts {
  recognizer: LazyRecognizer;
  metrics: Metrics;
  tracing: Tracing | undefined;
  draining: Draining;
}

/** The app with what Node alone has: limits, metrics, traces, the browser's bundle, SageMaker's paths. */
async function nodeApp(config: Config, { recognizer, metrics, tracing, draining }: Parts) {
  const ready = () => recognizer.ready() && !draining.signal.aborted;
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
    middleware: [
      ...(tracing ? [tracing.middleware] : []),
      draining.middleware,
      unreadBody,
      lingering,
      logged,
      metered(metrics),
    ],
    site: await loadSite(),
  });
  // Asked about each time, as on Workers: browsers would otherwise keep some of an older version's files beside newer ones.
  const onFound = (_: string, c: Context) => c.header('cache-control', 'no-cache');
  app.use('/browser/*', etag(), serveStatic({ root: publicFolder(), onFound }));
  app.get('/metrics', async (c) =>
    c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  );
  app.route('/', sageMaker(recognizer, ready, limits));
  return app;
}

/** @param listening ends the process where it fails, as an address does that cannot be listened on */
function listen({ fetch }: Hono<AppEnv>, config: Config, listening: () => Promise<void>): Server {
  const { PORT: port, HOST: hostname } = config;
  const serverOptions = {
    headersTimeout: config.RECEIVE_TIMEOUT_MS,
    // Not Node's five minutes: bodies have limits of their own, and a stream lasts as long as its lines come.
    requestTimeout: 0,
    connectionsCheckingInterval: 1000, // how often Node looks for late headers, half a minute by default
    // Longer than the balancer's 60 s (infra/lib/listener.ts): it would send a request where Node has just hung up.
    keepAliveTimeout: 65_000,
  };
  const server = serve({ fetch, port, hostname, serverOptions }, (address) => {
    log('info', `mien listens on ${url(hostname, address.port)}`);
    listening().catch(fail);
  }) as Server;
  endUntaken(server, config.RECEIVE_TIMEOUT_MS);
  server.on('error', (error: NodeJS.ErrnoException) => fail(listenError(error, config)));
  return server;
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
  // Read here, so that a wrong one is named as it was set.
  const { SAGEMAKER_BIND_TO_PORT: port } = readEnvironment(
    z.object({ SAGEMAKER_BIND_TO_PORT: settings.shape.PORT }),
    process.env,
  );
  return { ...process.env, PORT: `${port}`, HOST: '0.0.0.0', ANONYMOUS: 'allow' };
}

try {
  await start(readConfig(environment()));
} catch (error) {
  fail(error);
}
