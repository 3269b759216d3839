import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadAssets, loadSite } from '../../src/assets/node.js';
import { createApp } from '../../src/handlers/app.js';
import { ERROR_CODES, statusOf } from '../../src/handlers/errors.js';
import { openApi } from '../../src/handlers/openapi.js';
import { createRecognizer, type Recognizer } from '../../src/model/recognizer.js';
import { astronautBytes } from '../support/pictures.js';
import { untrainedModel } from '../support/untrained.js';

interface Operation {
  parameters?: { name: string; in: string; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { content: Record<string, { schema: object }> }>;
}

const document = openApi() as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};
const ajv = new Ajv.default({ strict: false });
addFormats.default(ajv);
ajv.addSchema({ $id: 'mien', ...document });

/** What is wrong with a value, by a schema of the document. */
function faults(schema: object, value: unknown): string {
  const text = JSON.stringify(schema).replaceAll('"#/', '"mien#/');
  ajv.validate(JSON.parse(text), value);
  return ajv.errorsText();
}

const crops = Array.from({ length: 48 * 48 }, (_, at) => at % 256);
const inputs = (shape: number[]) => [{ name: 'crops', datatype: 'UINT8', shape, data: crops }];
const photo = astronautBytes();
const base64 = Buffer.from(photo).toString('base64');
const form = new FormData();
form.append('image', new Blob([photo as BlobPart]));

const two = new FormData();
for (const part of [photo, new Uint8Array([1, 2, 3])]) two.append('image', new Blob([part as BlobPart]));

const GZIP = { 'content-encoding': 'gzip' };

/** [method and path, as sent, how, status] */
const EXCHANGES: [operation: string, path: string, init: RequestInit, status: number][] = [
  ['get /healthz', '/healthz', {}, 200],
  ['get /readyz', '/readyz', {}, 200],
  ['get /v2', '/v2', {}, 200],
  ['get /v2/health/live', '/v2/health/live', {}, 200],
  ['get /v2/health/ready', '/v2/health/ready', {}, 200],
  ['get /v2/models/{model}/ready', '/v2/models/mien/ready', {}, 200],
  ['get /v2/models/{model}/ready', '/v2/models/yours/ready', {}, 404],
  ['get /v2/models/{model}', '/v2/models/mien', {}, 200],
  ['get /v2/models/{model}', '/v2/models/yours', {}, 404],
  [
    'post /v2/models/{model}/infer',
    '/v2/models/mien/infer',
    { body: JSON.stringify({ inputs: inputs([1, 48, 48, 1]) }) },
    200,
  ],
  [
    'post /v2/models/{model}/infer',
    '/v2/models/mien/infer',
    { body: JSON.stringify({ inputs: inputs([1, 2]) }) },
    400,
  ],
  ['post /v1/expressions', '/v1/expressions', { body: photo as BodyInit }, 200],
  ['post /v1/expressions', '/v1/expressions?saliency=top&maxFaces=1', { body: form }, 200],
  [
    'post /v1/expressions',
    '/v1/expressions',
    { body: JSON.stringify({ image: base64 }), headers: { 'content-type': 'application/json' } },
    200,
  ],
  ['post /v1/expressions/batch', '/v1/expressions/batch?maxFaces=1', { body: two }, 200],
  ['post /v1/expressions/batch', '/v1/expressions/batch', { body: photo as BodyInit }, 400],
  ['post /v1/expressions/stream', '/v1/expressions/stream?smoothing=2', { body: '' }, 400],
  ['post /huggingface', '/huggingface', { body: photo as BodyInit }, 200],
  ['post /huggingface', '/huggingface', { body: 'what' }, 415],
  ...['/v1/expressions', '/v1/expressions/batch', '/v1/expressions/stream', '/huggingface'].map(
    (path): (typeof EXCHANGES)[number] => [`post ${path}`, path, { body: '', headers: GZIP }, 415],
  ),
  ['post /v2/models/{model}/infer', '/v2/models/mien/infer', { body: '', headers: GZIP }, 415],
  ['post /v1/expressions', '/v1/expressions?maxFaces=0', { body: photo as BodyInit }, 400],
  ['post /v1/expressions', '/v1/expressions', { body: '' }, 400],
  ['post /v1/expressions', '/v1/expressions', { body: 'what' }, 415],
  ['post /v1/expressions', '/v1/expressions', { body: new Uint8Array(3_000_000) as BodyInit }, 413],
];

describe('the OpenAPI document', () => {
  let recognizer: Recognizer;
  beforeAll(async () => {
    recognizer = await createRecognizer({
      assets: await loadAssets(),
      model: untrainedModel(),
      backend: 'wasm',
    });
  });
  const app = () => createApp({ recognizer, ready: () => true, maxBodyBytes: 2_000_000 });

  test.each(EXCHANGES)('%s: %s answers as it says', async (operation, path, init, status) => {
    const [method, template] = operation.split(' ') as [string, string];
    const described = document.paths[template]?.[method] as Operation;
    const response = await app().request(path, { method: method.toUpperCase(), ...init });
    expect(response.status).toBe(status);
    const schema = described.responses[status]?.content['application/json']?.schema as object;
    expect(schema).toBeDefined();
    const answer = await response.json();
    expect(faults(schema, answer)).toBe('No errors');
    // The control: an answer with a field more is not as described.
    const more = Array.isArray(answer) ? [...answer, 1] : { ...answer, more: 1 };
    expect(faults(schema, more)).not.toBe('No errors');
  });

  test('each line of a stream is as it says', async () => {
    const body = [JSON.stringify({ image: base64 }), '{"image": 7}', ''].join('\n');
    const response = await app().request('/v1/expressions/stream', { method: 'POST', body });
    expect(response.status).toBe(200);
    const [ok, refused] = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const schema = { $ref: '#/components/schemas/Frame' };
    for (const line of [ok, refused]) {
      expect(faults(schema, line)).toBe('No errors');
      expect(faults(schema, { ...line, more: 1 })).not.toBe('No errors');
    }
    expect([ok.frame, ok.faces[0].track, refused.error.code]).toEqual([0, 1, 'invalid_request']);
  });

  test('has every route of the app, as far as its versions go', () => {
    const routed = app()
      .routes.filter(({ method, path }) => method !== 'ALL' && !path.includes('versions'))
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`);
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect([...new Set(routed)].sort()).toEqual(described.sort());
  });

  test('has had every operation exercised', () => {
    const all = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect([...new Set(EXCHANGES.map(([operation]) => operation))].sort()).toEqual(all.sort());
  });

  test('describes what is sent', () => {
    const { parameters, requestBody } = document.paths['/v1/expressions']?.post as Operation;
    expect(parameters?.map(({ name }) => name)).toEqual(['maxFaces', 'minFaceSize', 'face', 'saliency']);
    const [maxFaces] = parameters as unknown as [{ schema: object }];
    expect(faults(maxFaces.schema, 7)).toBe('No errors');
    expect(faults(maxFaces.schema, 101)).toContain('<= 100');
    const body = requestBody?.content['application/json']?.schema as object;
    expect(faults(body, { image: base64 })).toBe('No errors');
    expect(faults(body, { picture: base64 })).not.toBe('No errors');
    const infer = (shape: number[]) =>
      faults({ $ref: '#/components/schemas/InferRequest' }, { inputs: inputs(shape) });
    expect(infer([1, 48, 48, 1])).toBe('No errors');
    expect(infer([1, 47, 48, 1])).not.toBe('No errors');
  });

  test('says of whatever asks for a key how it is sent, and what is answered without', () => {
    const { securitySchemes } = document.components as unknown as { securitySchemes: object };
    expect(Object.values(securitySchemes)).toMatchObject([
      { type: 'http', scheme: 'bearer' },
      { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    ]);
    for (const [path, operations] of Object.entries(document.paths)) {
      const open = ['/healthz', '/readyz', '/v2/health/live', '/v2/health/ready'].includes(path);
      for (const { responses } of Object.values(operations))
        for (const status of [401, 429, 500, 503]) {
          if (!open) expect([path, status, status in responses]).toEqual([path, status, true]);
        }
    }
  });

  test('describes both forms of an inference', () => {
    const { parameters, requestBody, responses } = document.paths['/v2/models/{model}/infer']
      ?.post as Operation;
    expect(parameters?.map(({ name }) => name)).toContain('Inference-Header-Content-Length');
    for (const { content } of [requestBody, responses[200]] as { content: object }[])
      expect(Object.keys(content)).toEqual(['application/json', 'application/octet-stream']);
    expect(responses[503]).toMatchObject({ description: expect.stringContaining('backend_unavailable') });
  });

  test('says of every status which codes it is answered with', () => {
    const { responses } = document.paths['/v1/expressions']?.post as Operation;
    for (const code of ERROR_CODES) {
      const { description } = (responses[statusOf(code)] ?? { description: '' }) as { description: string };
      const told = description.includes(`\`${code}\``);
      // The model's own faults are all answered as internal; the others belong to other paths.
      const elsewhere = /^invalid_(architecture|weights|data)$|^not_|^method_|^client_gone$/.test(code);
      expect([code, told]).toEqual([code, !elsewhere]);
    }
  });

  test('is what the build has made, and is served', async () => {
    const site = await loadSite();
    const response = await createApp({ recognizer, ready: () => true, site }).request('/openapi.json');
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(document)));
  });
});
