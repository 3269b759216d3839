/** A GPU server's stand-in: a real HTTP server on loopback that behaves as it is told, for there is no GPU in tests. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HEADER_LENGTH } from '../../src/handlers/routes/inference/tensors.js';
import { LABELS } from '../../src/model/labels.js';

export const MODES = [
  'healthy',
  'slow',
  'erroring',
  'redirecting',
  'busy',
  'cut off',
  'garbage',
  'not probabilities',
  'another version',
] as const;

export interface FakeUpstream {
  url: string;
  mode: (typeof MODES)[number];
  /** Crops of each request that has come, as they say who they are in their first byte. */
  asked: number[][];
  /** Headers of each. */
  headers: IncomingHttpHeaders[];
  stop(): Promise<void>;
}

/** Whither it redirects, and answers as if it had been sent a crop. */
const ELSEWHERE = '/elsewhere';

/** What it answers to every crop: happy for certain, so that it cannot be taken for a network's. */
const ROW = LABELS.map((label) => (label === 'happy' ? 0.4 : 0.1));

export async function startUpstream(version: string): Promise<FakeUpstream> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const crops = Buffer.concat(chunks).subarray(Number(request.headers[HEADER_LENGTH.toLowerCase()]));
    const redirected = request.url === ELSEWHERE;
    const count = redirected ? 1 : crops.length / 2304;
    upstream.asked.push(Array.from({ length: count }, (_, crop) => crops[crop * 2304] as number));
    upstream.headers.push(request.headers);
    const { mode } = upstream;
    const answer = JSON.stringify({
      model_name: 'mien',
      model_version: mode === 'another version' ? '9.9.9' : version,
      parameters: { backend: 'node-gpu' },
      outputs: [
        {
          name: 'scores',
          datatype: 'FP32',
          shape: [count, 7],
          data: Array.from({ length: count }, () =>
            mode === 'not probabilities' ? ROW.map(() => 0.5) : ROW,
          ).flat(),
        },
      ],
    });
    if (mode === 'slow') return void setTimeout(() => response.end(answer), 5000).unref();
    if (mode === 'redirecting' && !redirected) return response.writeHead(302, { location: ELSEWHERE }).end();
    if (mode === 'erroring') return response.writeHead(500).end('no memory');
    if (mode === 'busy') return response.writeHead(503, { 'retry-after': '1' }).end('{}');
    if (mode === 'garbage') return response.end('<html>');
    if (mode === 'cut off') {
      response.writeHead(200, { 'content-length': answer.length }).write(answer.slice(0, 40));
      return void setTimeout(() => response.destroy(), 20);
    }
    response.setHeader('content-type', 'application/json').end(answer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstream: FakeUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mode: 'healthy',
    asked: [],
    headers: [],
    async stop() {
      server.closeAllConnections();
      server.close();
    },
  };
  return upstream;
}
