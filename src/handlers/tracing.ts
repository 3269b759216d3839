/** OpenTelemetry traces of one process, sent to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names. */
import { setTimeout } from 'node:timers/promises';
import { httpInstrumentationMiddleware } from '@hono/otel';
import { context, DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { MiddlewareHandler } from 'hono';
import type { Recognition } from '../model/recognizer.js';
import { VERSION } from '../version.js';
import { log } from './log.js';

/** Longest wait for a collector when the server stops, milliseconds. */
const FLUSH_MS = 2_000;

export interface Tracing {
  /** Makes a span of every request, below the caller's where it sends `traceparent`. */
  middleware: MiddlewareHandler;
  /** Makes a span of each stage of a photo that has just been answered, below the request's. */
  stages(timing: Recognition['timing']): void;
  /** Puts W3C trace context of the active span into the headers of a request to another server. */
  inject(headers: Record<string, string>): void;
  /** Sends what has not been sent, or gives it up after two seconds. */
  flush(): Promise<void>;
}

/**
 * Starts, or not, where OTEL_SDK_DISABLED says so. The exporter, its queue, the sampler and spans' limits read their `OTEL_`
 * variables from the environment themselves.
 */
export function startTracing(): Tracing | undefined {
  if (process.env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined;
  const said = (message: string, ...details: unknown[]) =>
    log('error', 'OpenTelemetry', { reason: [message, ...details].join(' ') });
  const silent = () => {};
  const logger = { error: said, warn: said, info: silent, debug: silent, verbose: silent };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const service = resourceFromAttributes({ 'service.name': 'mien', 'service.version': VERSION });
  const provider = new NodeTracerProvider({
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before.
    resource: service.merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  const tracer = trace.getTracer('mien', VERSION);
  return {
    middleware: httpInstrumentationMiddleware({ tracerProvider: provider }),
    stages({ decodeMs, detectMs, inferMs, totalMs }) {
      let at = Date.now() - totalMs;
      for (const [name, duration] of Object.entries({ decode: decodeMs, detect: detectMs, infer: inferMs })) {
        const span = tracer.startSpan(name, { startTime: at });
        at += duration;
        span.end(at);
      }
    },
    inject: (headers) => propagation.inject(context.active(), headers),
    async flush() {
      const sent = provider.forceFlush().then(
        () => true,
        () => false,
      );
      if (!(await Promise.race([sent, setTimeout(FLUSH_MS, false)])))
        log('error', 'The last traces are lost.');
    },
  };
}
