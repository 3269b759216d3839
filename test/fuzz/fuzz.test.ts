import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memory } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { loadAssets } from '../../src/assets/node.js';
import { createApp } from '../../src/handlers/app.js';
import { ERROR_CODES, statusOf } from '../../src/handlers/errors.js';
import { inferError, inferResponse } from '../../src/handlers/routes/inference/schema.js';
import { batch, classification, errorBody, frame, recognition } from '../../src/handlers/schemas.js';
import { formatArchitecture } from '../../src/model/architecture.js';
import { createRecognizer, type Recognizer } from '../../src/model/recognizer.js';
import { table1 } from '../../src/model/table1.js';
import { encodeSafetensors } from '../../src/model/weights.js';
import { base64 } from '../contract/requests.js';
import { livelyWeights } from '../support/networks.js';
import { encodeJpeg, encodePng, encodePng16, encodeWebp, pattern } from '../support/pictures.js';
import { createDice, inferRequest, json, mutate, query } from './inputs.js';

const INPUTS = 20_000;
const SEED = 7;

// As small as they come: the requests are what is tested.
const architecture = table1({ side: 16, width: 0.25 });
const MODEL = {
  name: 'small',
  version: '0.0.0',
  architecture: JSON.parse(formatArchitecture(architecture)),
  weights: encodeSafetensors(livelyWeights(architecture)),
};

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes that JavaScript holds, once what nobody holds has gone. */
async function held(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve)); // finalizers have a turn of their own
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test(
  `${INPUTS} odd requests: each is answered or refused as documented, and nothing is left behind`,
  {
    timeout: 600_000,
  },
  async () => {
    const recognizer = await createRecognizer({
      assets: await loadAssets(),
      model: MODEL,
      backend: 'wasm',
      maxPixels: 100_000,
    });
    const dice = createDice(SEED);
    const { below, pick, times } = dice;
    // Detecting is what takes long, so most pictures are taken for a face, those too whose requests cannot say so.
    const found = createDice(SEED);
    const recognize: Recognizer['recognize'] = (image, options) =>
      recognizer.recognize(image, { face: found.below(8) === 0 ? 'auto' : 'whole', ...options });
    const app = createApp({
      recognizer: { ...recognizer, recognize },
      ready: () => true,
      maxBodyBytes: 200_000,
    });
    const picture = pattern(40, 30);
    const files = [
      await encodeJpeg(picture, 90),
      await encodeJpeg(pattern(17, 64), 30),
      encodePng(picture),
      encodePng(picture, { colorType: 0 }),
      encodePng(picture, { colorType: 6 }),
      encodePng16(picture),
      await encodeWebp(picture),
    ];
    const file = () => (below(4) === 0 ? pick(files) : mutate(dice, pick(files)));
    const small = base64(files[0] as Uint8Array);
    const jsonType = { 'content-type': 'application/json' };
    const text = (value: unknown) => {
      const whole = JSON.stringify(value);
      return below(10) === 0 ? whole.slice(0, below(whole.length)) : whole;
    };
    function form(): FormData {
      const data = new FormData();
      for (const name of times(below(4), () => pick(['image', 'image', 'images', '']))) {
        if (below(4) === 0) data.append(name, 'text');
        else data.append(name, new Blob([file() as BlobPart]));
      }
      return data;
    }
    const asked = () => (below(8) === 0 ? query(dice) : '?face=whole');
    type Made = [path: string, body: BodyInit, headers?: Record<string, string>];
    const kinds: (() => Made)[] = [
      () => ['/v1/expressions', file() as BodyInit],
      () => ['/v1/expressions', file() as BodyInit],
      () => ['/v1/expressions', text({ image: base64(file()) }), jsonType],
      () => ['/v1/expressions', text(json(dice, small)), jsonType],
      () => ['/v1/expressions', form()],
      () => ['/v1/expressions', file() as BodyInit, { 'content-type': 'multipart/form-data; boundary=x' }],
      () => ['/v1/expressions/batch', form()],
      () => ['/v1/expressions/batch', text({ images: times(below(3), () => base64(file())) }), jsonType],
      () => ['/v1/expressions/batch', text(json(dice, small)), jsonType],
      () => [
        '/v1/expressions/stream',
        times(below(3), () => text({ image: base64(file()) })).join(pick(['\n', '\r\n', '\n\n'])),
      ],
      () => ['/v1/expressions/stream', text(json(dice, small))],
      () => ['/v2/models/mien/infer', text(inferRequest(dice))],
      () => [
        '/v2/models/mien/infer',
        text(json(dice, small)),
        { 'inference-header-content-length': pick(['0', '5', '-1', 'x', '99999']) },
      ],
      () => ['/huggingface', text({ inputs: base64(file()), parameters: json(dice, small) }), jsonType],
      () => ['/huggingface', file() as BodyInit],
    ];
    const answers = {
      '/v1/expressions': recognition,
      '/v1/expressions/batch': batch,
      '/v1/expressions/stream': frame,
      '/v2/models/mien/infer': inferResponse,
      '/huggingface': classification,
    };

    const outcomes: Record<string, number> = {};
    const marks: { held: number; tensors: number }[] = [];
    for (let number = 0; number < INPUTS; number++) {
      const [path, body, headers = {}] = pick(kinds)();
      const response = await app.request(path + asked(), { method: 'POST', body, headers });
      const answer = await response.text();
      const where = `input ${number}, ${path}: ${response.status} ${answer.slice(0, 300)}`;
      const streamed = path.endsWith('/stream') && response.status === 200;
      const lines = streamed ? answer.split('\n').slice(0, -1) : [answer];
      const values = lines.map((line) => JSON.parse(line));
      const inherited = /^\/(v2|huggingface)/.test(path) ? inferError : errorBody;
      const schema = response.status === 200 ? answers[path as keyof typeof answers] : inherited;
      for (const value of values) {
        const { success, error } = schema.safeParse(value);
        if (!success) throw new Error(`${where}\n${error}`);
      }
      const codes = values
        .flatMap((value) => (Array.isArray(value) ? [value] : (value.results ?? [value])))
        .map((value) => value.error?.code ?? value.code ?? 'answered');
      for (const code of codes) {
        if (code !== 'answered' && (!ERROR_CODES.includes(code) || statusOf(code) >= 500))
          throw new Error(where);
        outcomes[code] = (outcomes[code] ?? 0) + 1;
      }
      if (response.status !== 200 && response.status !== statusOf(codes[0])) throw new Error(where);
      if ((number + 1) % (INPUTS / 4) === 0) marks.push({ held: await held(), tensors: memory().numTensors });
    }
    console.log(JSON.stringify({ outcomes, heldMiB: marks.map((mark) => Math.round(mark.held / 2 ** 20)) }));

    // The control: all kinds of answers have been had.
    for (const code of [
      'answered',
      'invalid_image',
      'invalid_request',
      'unsupported_media_type',
      'image_too_large',
      'empty_input',
    ])
      expect(outcomes[code], code).toBeGreaterThan(10);
    const [first, , , last] = marks as [
      { held: number; tensors: number },
      unknown,
      unknown,
      { held: number; tensors: number },
    ];
    expect(last.tensors).toBe(first.tensors);
    expect(last.held).toBeLessThan(first.held + 32 * 2 ** 20);
  },
);
