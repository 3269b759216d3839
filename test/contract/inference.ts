import { beforeAll, describe, expect, test } from 'vitest';
import {
  inferError,
  inferResponse,
  modelMetadata,
  serverMetadata,
} from '../../src/handlers/routes/inference/schema.js';
import { LABELS } from '../../src/model/labels.js';
import { join } from '../support/pictures.js';
import { randomNumbers } from '../support/random.js';
import { type ContractOptions, post, postJson, type Request } from './requests.js';

const MODEL = '/v2/models/mien';
const INFER = `${MODEL}/infer`;
const CROP_BYTES = 48 * 48;

/** Two crops that do not look alike. */
function twoCrops(): Uint8Array {
  const random = randomNumbers(5);
  return Uint8Array.from({ length: 2 * CROP_BYTES }, (_, at) =>
    at < CROP_BYTES ? at % 251 : 128 + 127 * random(),
  );
}

const nested = (crops: Uint8Array) =>
  Array.from({ length: crops.length / CROP_BYTES }, (_, n) =>
    Array.from({ length: 48 }, (_, y) =>
      Array.from({ length: 48 }, (_, x) => [crops[(n * 48 + y) * 48 + x]]),
    ),
  );

const input = (values: object, count = 2) => ({
  name: 'crops',
  datatype: 'UINT8',
  shape: [count, 48, 48, 1],
  ...values,
});

/** JSON, and behind it bytes. */
function binary(request: object, bytes: Uint8Array, length?: string): RequestInit {
  const json = new TextEncoder().encode(JSON.stringify(request));
  return post(join(json, bytes), {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': length ?? `${json.length}`,
  });
}

/** The Open Inference Protocol. */
export function inference(name: string, request: Request, options: ContractOptions): void {
  const crops = twoCrops();
  const flat = [...crops];
  const announced = { parameters: { binary_data_size: crops.length } };

  const get = async (path: string) => {
    const response = await request(path);
    expect(response.status).toBe(200);
    return response.json();
  };
  const infer = async (init: RequestInit, path = INFER) => {
    const response = await request(path, init);
    const text = await response.text();
    expect(response.status, text).toBe(200);
    return inferResponse.parse(JSON.parse(text));
  };

  describe(`${name}: the Open Inference Protocol`, () => {
    let version: string;
    let scores: number[];
    beforeAll(async () => {
      version = modelMetadata.parse(await get(MODEL)).versions[0] as string;
      scores = (await infer(postJson({ inputs: [input({ data: flat })] }))).outputs[0]?.data as number[];
    });

    test('says what serves', async () => {
      const metadata = serverMetadata.parse(await get('/v2'));
      expect(metadata).toMatchObject({ name: 'mien', extensions: ['binary_tensor_data'] });
    });

    test('says what the model takes and gives', async () => {
      const metadata = modelMetadata.parse(await get(MODEL));
      expect(metadata).toEqual({
        name: 'mien',
        versions: [expect.stringMatching(options.model.version)],
        platform: `tensorflowjs_${options.backend}`,
        inputs: [{ name: 'crops', datatype: 'UINT8', shape: [-1, 48, 48, 1] }],
        outputs: [{ name: 'scores', datatype: 'FP32', shape: [-1, 7] }],
        parameters: { labels: LABELS.join(','), model: options.model.name, max_crops: 256 },
      });
      expect(await get(`${MODEL}/versions/${version}`)).toEqual(metadata);
    });

    test('is live and ready', async () => {
      expect(await get('/v2/health/live')).toEqual({ live: true });
      expect(await get('/v2/health/ready')).toEqual({ ready: true });
      expect(await get(`${MODEL}/ready`)).toEqual({ name: 'mien', ready: true });
      expect(await get(`${MODEL}/versions/${version}/ready`)).toEqual({ name: 'mien', ready: true });
    });

    test('scores each crop by itself, sum 1', async () => {
      const answer = await infer(postJson({ id: 'a-7', inputs: [input({ data: flat })] }));
      expect(answer).toMatchObject({ model_name: 'mien', model_version: version, id: 'a-7' });
      expect(answer.parameters).toEqual({ backend: options.backend });
      expect(answer.outputs).toEqual([{ name: 'scores', datatype: 'FP32', shape: [2, 7], data: scores }]);
      const rows = [scores.slice(0, 7), scores.slice(7)];
      // Seven float32, each rounded at 6e-8.
      for (const row of rows) expect(Math.abs(row.reduce((a, b) => a + b, 0) - 1)).toBeLessThan(1e-6);
      expect(rows[0]).not.toEqual(rows[1]); // the control: the rows could be told apart
      const second = await infer(postJson({ inputs: [input({ data: flat.slice(CROP_BYTES) }, 1)] }));
      second.outputs[0]?.data?.forEach((score, label) => {
        // Alone or in a batch: the kernels' sums may differ in their last bits.
        expect(Math.abs(score - (rows[1]?.[label] ?? 2))).toBeLessThan(1e-5);
      });
      expect(second.id).toBeUndefined();
    });

    test.each<[string, () => RequestInit]>([
      ['nested data', () => postJson({ inputs: [input({ data: nested(crops) })] })],
      ['bytes behind the JSON', () => binary({ inputs: [input(announced)] }, crops)],
      [
        'what other servers know',
        () => postJson({ parameters: { priority: 1 }, inputs: [input({ data: flat })] }),
      ],
    ])('answers the same to %s', async (_, init) => {
      expect((await infer(init())).outputs[0]?.data).toEqual(scores);
    });

    test('answers the same under the version', async () => {
      const answer = await infer(
        postJson({ inputs: [input({ data: flat })] }),
        `${MODEL}/versions/${version}/infer`,
      );
      expect(answer.outputs[0]?.data).toEqual(scores);
    });

    test.each([
      ['of the output', { outputs: [{ name: 'scores', parameters: { binary_data: true } }] }],
      ['of all outputs', { parameters: { binary_data_output: true } }],
    ])('answers bytes where they are asked for, %s', async (_, wanted) => {
      const response = await request(
        INFER,
        binary({ id: 'b', ...wanted, inputs: [input(announced)] }, crops),
      );
      expect(response.status).toBe(200);
      const length = Number(response.headers.get('inference-header-content-length'));
      const bytes = new Uint8Array(await response.arrayBuffer());
      const answer = inferResponse.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(0, length))));
      expect(answer.id).toBe('b');
      expect(answer.outputs).toEqual([
        { name: 'scores', datatype: 'FP32', shape: [2, 7], parameters: { binary_data_size: 56 } },
      ]);
      expect([...new Float32Array(bytes.slice(length).buffer)]).toEqual(scores);
    });

    const bad: [string, () => RequestInit, RegExp][] = [
      ['no JSON', () => post('{"inputs": '), /not JSON/],
      ['nothing', () => ({ method: 'POST' }), /not JSON/],
      ['no inputs', () => postJson({}), /inputs/],
      ['another input', () => postJson({ inputs: [input({ name: 'pixels', data: flat })] }), /name/],
      ['another datatype', () => postJson({ inputs: [input({ datatype: 'FP32', data: flat })] }), /datatype/],
      ['another shape', () => postJson({ inputs: [input({ shape: [2, 1, 48, 48], data: flat })] }), /shape/],
      ['no crops', () => postJson({ inputs: [input({ data: [] }, 0)] }), /shape/],
      ['too many crops', () => postJson({ inputs: [input({ data: flat }, 257)] }), /shape/],
      [
        'an unknown output',
        () => postJson({ inputs: [input({ data: flat })], outputs: [{ name: 'x' }] }),
        /outputs/,
      ],
      ['an id that is no text', () => postJson({ id: 7, inputs: [input({ data: flat })] }), /id/],
      [
        'too little data',
        () => postJson({ inputs: [input({ data: flat.slice(1) })] }),
        /4608 values, data has 4607/,
      ],
      ['too much data', () => postJson({ inputs: [input({ data: [...flat, 1] })] }), /more than the 4608/],
      ['a value of 256', () => postJson({ inputs: [input({ data: [256, ...flat.slice(1)] })] }), /at 0/],
      ['half a value', () => postJson({ inputs: [input({ data: [...flat.slice(1), 0.5] })] }), /at 4607/],
      ['text for data', () => postJson({ inputs: [input({ data: ['a', ...flat.slice(1)] })] }), /at 0/],
      ['data nested otherwise', () => postJson({ inputs: [input({ data: [flat, flat] })] }), /dimension 1/],
      [
        'data nested without end',
        () =>
          post(
            `{"inputs":[{"name":"crops","datatype":"UINT8","shape":[1,48,48,1],"data":${'['.repeat(5e4)}${']'.repeat(5e4)}}]}`,
          ),
        /dimension 1/,
      ],
      ['neither data nor bytes', () => postJson({ inputs: [input({})] }), /binary_data_size is 0/],
      ['both', () => binary({ inputs: [input({ ...announced, data: flat })] }, crops), /both/],
      ['bytes cut off', () => binary({ inputs: [input(announced)] }, crops.subarray(1)), /4607 follow/],
      ['more bytes', () => binary({ inputs: [input(announced)] }, join(crops, crops)), /9216 follow/],
      ['JSON longer than the body', () => binary({ inputs: [input(announced)] }, crops, '99999'), /99999/],
      ['a length that is no number', () => binary({ inputs: [input(announced)] }, crops, '-1'), /-1/],
    ];
    test.each(bad)('refuses %s', async (_, init, message) => {
      const response = await request(INFER, init());
      const text = await response.text();
      expect(response.status, text).toBe(400);
      const { error, code } = inferError.parse(JSON.parse(text));
      expect(error).toMatch(message);
      expect(code).toBe('invalid_request');
      expect(response.headers.get('x-request-id')).toBeTruthy();
    });

    // What is asked comes last, out of the names: one would be 18 MB long.
    test.each<[path: string, status: number, code: string, init?: RequestInit]>([
      ['/v2/models/other', 404, 'not_found'],
      ['/v2/models/other/ready', 404, 'not_found'],
      ['/v2/models/other/infer', 404, 'not_found', postJson({})],
      [`${MODEL}/versions/0`, 404, 'not_found'],
      [`${MODEL}/versions/0/infer`, 404, 'not_found', postJson({})],
      ['/v2/nothing', 404, 'not_found'],
      [INFER, 405, 'method_not_allowed'],
      [INFER, 413, 'body_too_large', post(new Uint8Array(options.maxBodyBytes + 1))],
    ])('%s is %i, %s', async (path, status, code, init) => {
      const response = await request(path, init);
      const text = await response.text();
      expect(response.status, text).toBe(status);
      expect(inferError.parse(JSON.parse(text)).code).toBe(code);
    });
  });
}
