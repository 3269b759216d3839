import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { astronautBytes } from '../support/pictures.js';
import { startServer, stopServer, untilReady } from '../support/server.js';
import { untrainedFolder } from '../support/untrained.js';
import { startUpstream } from '../support/upstream.js';

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
}

const { folder, remove } = untrainedFolder();
const received: { path: string; body: string }[] = [];
let collector: HttpServer;

/** A collector is an HTTP server that takes what it is sent. */
beforeAll(async () => {
  collector = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push({ path: request.url as string, body: Buffer.concat(chunks).toString() });
    response.setHeader('content-type', 'application/json').end('{}');
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
});
afterAll(() => {
  collector.close();
  remove();
});

test('traces go to the collector: a span of the request below its caller’s, the stages and a GPU elsewhere below it', async () => {
  const gpu = await startUpstream('0.0.0');
  const { port } = collector.address() as AddressInfo;
  const server = await startServer({
    MODEL: folder,
    GPU_URL: gpu.url,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=stage,service.version=7',
  });
  await untilReady(server);
  const [trace, caller] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  const response = await fetch(`${server.url}/v1/expressions?maxFaces=1`, {
    method: 'POST',
    body: astronautBytes(),
    headers: { traceparent: `00-${trace}-${caller}-01`, tracestate: 'vendor=1' },
  });
  const { timing } = await response.json();
  expect(await stopServer(server)).toBe(0); // what is left is sent before the end

  const documents = received.map(({ path, body }) => {
    expect(path).toBe('/v1/traces');
    return JSON.parse(body);
  });
  const resources = documents.flatMap(({ resourceSpans }) => resourceSpans);
  const about = resources[0].resource.attributes as { key: string; value: { stringValue: string } }[];
  expect(Object.fromEntries(about.map(({ key, value }) => [key, value.stringValue]))).toMatchObject({
    'service.name': 'mien',
    'service.version': '7',
    'deployment.environment.name': 'stage',
  });
  const spans: Span[] = resources
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
    .filter(({ traceId }: Span) => traceId === trace);
  const [request] = spans.filter(({ name }) => name === 'POST /v1/expressions') as [Span];
  expect(request.parentSpanId).toBe(caller);
  expect(gpu.headers).toHaveLength(1);
  expect(gpu.headers[0]).toMatchObject({
    traceparent: `00-${trace}-${request.spanId}-01`,
    tracestate: 'vendor=1',
    'x-request-id': response.headers.get('x-request-id'),
  });
  await gpu.stop();
  const stages = spans.filter(({ parentSpanId }) => parentSpanId === request.spanId);
  expect(stages.map(({ name }) => name).sort()).toEqual(['decode', 'detect', 'infer']);
  for (const { name, startTimeUnixNano, endTimeUnixNano } of stages) {
    const ms = Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6;
    expect(Math.abs(ms - timing[`${name}Ms`])).toBeLessThan(1);
  }
  // No picture and no score leaves the process.
  expect(received.map(({ body }) => body).join()).not.toMatch(/happy|surprise|iVBOR/);
}, 30_000);

test('OpenTelemetry may be told to be silent, and to call itself something else', async () => {
  const { port } = collector.address() as AddressInfo;
  const names = async (env: Record<string, string>) => {
    received.length = 0;
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
    const server = await startServer({ MODEL: folder, ...endpoint, ...env });
    await fetch(`${server.url}/healthz`);
    expect(await stopServer(server)).toBe(0);
    return received.map(({ body }) => /"service.name","value":\{"stringValue":"(.*?)"/.exec(body)?.[1]);
  };
  expect(await names({ OTEL_SERVICE_NAME: 'faces', OTEL_RESOURCE_ATTRIBUTES: 'service.name=other' })).toEqual(
    ['faces'],
  );
  expect(await names({ OTEL_SDK_DISABLED: 'true' })).toEqual([]);
}, 30_000);

test('a collector that is not there is named in the log, and does not keep the server from stopping', async () => {
  const { folder, remove } = untrainedFolder();
  const server = await startServer({ MODEL: folder, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
  await untilReady(server);
  await fetch(`${server.url}/healthz`);
  const began = performance.now();
  expect(await stopServer(server)).toBe(0);
  expect(performance.now() - began).toBeLessThan(10_000); // OpenTelemetry tries for ten seconds
  expect(server.output()).toContain('The last traces are lost.');
  remove();
});
