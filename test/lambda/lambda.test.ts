import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bundleLambda } from '../../scripts/lib/lambda-bundle.js';
import { type ZipEntry, zip } from '../../scripts/lib/zip.js';
import { contract } from '../contract/contract.js';
import { EXPRESSIONS, post } from '../contract/requests.js';
import {
  albEvent,
  albMultiValueEvent,
  functionUrlEvent,
  httpApiEvent,
  type LambdaResult,
  partsOf,
  responseOf,
} from '../support/lambda-events.js';
import { astronautBytes } from '../support/pictures.js';
import { untrainedFolder } from '../support/untrained.js';

const model = untrainedFolder();
// Outside the project, so that no node_modules is near: the folder must be enough.
const out = mkdtempSync(join(tmpdir(), 'mien-lambda-'));
let entries: ZipEntry[];
let handler: (event: unknown, context?: unknown) => Promise<LambdaResult>;

beforeAll(async () => {
  entries = await bundleLambda({ out, model: model.folder });
  process.env.ANONYMOUS = 'allow';
  vi.spyOn(console, 'log').mockReturnValue(); // a line a request
  ({ handler } = await import(/* @vite-ignore */ pathToFileURL(join(out, 'index.mjs')).href));
}, 60_000);
afterAll(() => {
  model.remove();
  rmSync(out, { recursive: true });
});

const SHAPES = {
  'Function URL': functionUrlEvent,
  'API Gateway v2': httpApiEvent,
  ALB: albEvent,
  'ALB, multi-value': albMultiValueEvent,
};

for (const [name, eventOf] of Object.entries(SHAPES)) {
  const request = async (path: string, init?: RequestInit) =>
    responseOf(await handler(eventOf(await partsOf(path, init))));
  contract(`lambda, ${name}`, request, {
    maxBodyBytes: 6 * 1024 * 1024,
    model: { name: basename(model.folder), version: '0.0.0' },
    backend: 'wasm',
    streams: false,
  });
}

describe('a Lambda result', () => {
  test('is JSON as text, its headers in the shape that was asked in', async () => {
    const parts = await partsOf(EXPRESSIONS, post(astronautBytes()));
    expect(parts.body.isBase64Encoded).toBe(true); // the control: what is sent is not text
    for (const eventOf of [functionUrlEvent, httpApiEvent, albEvent]) {
      const result = await handler(eventOf(parts));
      expect(result).toMatchObject({ statusCode: 200, isBase64Encoded: false });
      expect(result.headers?.['content-type']).toMatch(/^application\/json/);
      expect(JSON.parse(result.body).faces).toHaveLength(1);
    }
    const result = await handler(albMultiValueEvent(parts));
    expect(result.multiValueHeaders?.['content-type']?.[0]).toMatch(/^application\/json/);
    expect(result.headers).toBeUndefined();
  });
});

test('a body that a GET carries is not looked at, as on Node', async () => {
  for (const eventOf of Object.values(SHAPES)) {
    const event = { ...eventOf(await partsOf('/healthz')), body: 'something' };
    expect(await handler(event)).toMatchObject({ statusCode: 200, body: '{"status":"ok"}' });
  }
});

describe('in a Node of its own, as Lambda runs it', () => {
  test('the bundle warms up, answers, and logs a line a request', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mien-lambda-run-'));
    const [run, event] = [join(folder, 'run.mjs'), join(folder, 'event.json')];
    writeFileSync(
      event,
      JSON.stringify(functionUrlEvent(await partsOf(EXPRESSIONS, post(astronautBytes())))),
    );
    // The test runner's own imports have variables that modules lack.
    writeFileSync(
      run,
      `import { readFileSync } from 'node:fs';
const { handler } = await import(process.argv[2]);
console.log(JSON.stringify(await handler(JSON.parse(readFileSync(process.argv[3], 'utf8')))));
process.exit();`,
    );
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [run, pathToFileURL(join(out, 'index.mjs')).href, event],
      { env: { PATH: process.env.PATH, ANONYMOUS: 'allow' } },
    );
    rmSync(folder, { recursive: true });
    expect(stderr).toBe('');
    const [line, result] = stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(result.statusCode).toBe(200);
    expect(JSON.parse(result.body).faces).toHaveLength(1);
    expect(line).toMatchObject({
      message: 'request',
      requestId: result.headers['x-request-id'],
      method: 'POST',
      route: EXPRESSIONS,
      status: 200,
    });
  }, 60_000);
});

describe('the zip', () => {
  test('holds every file, byte for byte, the same whenever it is made, and everybody may read them', () => {
    const archive = Buffer.from(zip(entries));
    const files = unzipSync(archive);
    expect(Object.keys(files)).toEqual(entries.map(({ name }) => name));
    for (const { name, content } of entries)
      expect(Buffer.compare(files[name] as Uint8Array, content), name).toBe(0);
    // APPNOTE 4.3.12, of the directory's first entry: made on Unix, date, mode.
    const directory = archive.readUInt32LE(archive.length - 6);
    const mode = archive.readUInt32LE(directory + 38) >>> 16;
    expect([archive[directory + 5], archive.readUInt32LE(directory + 12), mode.toString(8)]).toEqual([
      3,
      0x210000, // 1 January 1980, midnight
      '100644',
    ]);
  });
});
