import { describe, expect, test } from 'vitest';
import { astronaut, astronautBytes, encodePng, pattern } from '../support/pictures.js';
import { mirrored } from '../support/scenes.js';
import {
  base64,
  type ContractOptions,
  caller,
  EXPRESSIONS,
  form,
  post,
  postJson,
  type Request,
} from './requests.js';

const BATCH = `${EXPRESSIONS}/batch`;
const STREAM = `${EXPRESSIONS}/stream`;

/** Several pictures in one request, and Hugging Face's form of one. */
export function several(name: string, request: Request, options: ContractOptions): void {
  const { recognize, fails } = caller(request);
  const photo = astronautBytes();
  const none = encodePng(pattern(64, 48));
  const broken = photo.slice(0, 2000);

  const json = async (path: string, init: RequestInit) => {
    const response = await request(path, init);
    const text = await response.text();
    expect(response.status, text).toBe(200);
    return JSON.parse(text);
  };

  describe(`${name}: POST ${BATCH}`, () => {
    test.each<[string, RequestInit]>([
      ['a form', form(['image', photo], ['image', broken], ['image', none])],
      ['JSON', postJson({ images: [photo, broken, none].map(base64) })],
    ])('answers each picture of %s by itself, in order', async (_, init) => {
      const { faces } = await recognize(post(photo));
      const { results, ...rest } = await json(BATCH, init);
      expect(rest).toEqual({});
      expect(results).toHaveLength(3);
      expect(results[0].faces).toEqual(faces);
      expect(results[1].error).toMatchObject({ code: 'invalid_image' });
      expect(results[2].faces).toEqual([]);
    });

    test('takes the query for every picture', async () => {
      const { results } = await json(
        `${BATCH}?face=whole`,
        postJson({ images: [base64(none), base64(none)] }),
      );
      expect(results.map(({ faces }: { faces: unknown[] }) => faces.length)).toEqual([1, 1]);
    });

    test('has an error for a picture that is not base64, or text', async () => {
      const texts = await json(BATCH, postJson({ images: ['µ', base64(none)] }));
      expect([texts.results[0].error.code, texts.results[1].faces]).toEqual(['invalid_request', []]);
      const fields = await json(BATCH, form(['image', 'text'], ['image', none]));
      expect([fields.results[0].error.code, fields.results[1].faces]).toEqual(['invalid_request', []]);
    });

    test.each<[string, RequestInit]>([
      ['a bare photo', post(photo)],
      ['no pictures', postJson({ images: [] })],
      ['33 pictures', postJson({ images: Array.from({ length: 33 }, () => '') })],
      ['1,000 tiny parts', form(...Array.from({ length: 1000 }, (): [string, string] => ['image', 'x']))],
      ['a form without pictures', form(['photo', none])],
    ])('refuses %s', async (_, init) => {
      await fails(BATCH, init, 400, 'invalid_request');
    });
  });

  describe(`${name}: POST ${STREAM}`, () => {
    const line = (bytes: Uint8Array) => JSON.stringify({ image: base64(bytes) });
    const stream = async (body: BodyInit, query = '') => {
      const response = await request(STREAM + query, post(body, { 'content-type': 'application/x-ndjson' }));
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('application/x-ndjson');
      const text = await response.text();
      return text.trimEnd()
        ? text
            .trimEnd()
            .split('\n')
            .map((answer) => JSON.parse(answer))
        : [];
    };

    test('answers every frame, in order, and goes on after one that is wrong', async () => {
      const { faces } = await recognize(post(photo));
      const frames = [line(photo), '', line(none), 'not JSON', line(broken), `${line(photo)}\r`];
      const answers = await stream(frames.join('\n'));
      expect(answers.map(({ frame }) => frame)).toEqual([0, 1, 2, 3, 4]);
      expect(answers[0].faces).toEqual(faces.map((face) => ({ ...face, track: 1 })));
      expect(answers[1].faces).toEqual([]);
      expect(answers.slice(2, 4).map(({ error }) => error.code)).toEqual([
        'invalid_request',
        'invalid_image',
      ]);
      expect(answers[4].faces).toEqual(answers[0].faces); // the same face, unsmoothed
    });

    test('smooths the scores of a face where that is asked for', async () => {
      const other = encodePng(mirrored(astronaut()), { colorType: 2 });
      const scores = (
        answer: { faces: { expressions: { label: string; score: number }[] }[] },
        label: string,
      ) => answer.faces[0]?.expressions.find((one) => one.label === label)?.score as number;
      const frames = [line(photo), line(other)].join('\n');
      const plain = await stream(frames, '?face=whole');
      const calm = await stream(frames, '?face=whole&smoothing=0.75');
      expect(scores(plain[1], 'happy')).not.toBeCloseTo(scores(plain[0], 'happy'), 6); // the control
      expect(calm[0]).toMatchObject({ faces: plain[0].faces });
      expect(scores(calm[1], 'happy')).toBeCloseTo(
        0.75 * scores(plain[0], 'happy') + 0.25 * scores(plain[1], 'happy'),
        9,
      );
    });

    test('ends after a line that is too long', async () => {
      const long = `{"image": "${'A'.repeat(options.maxBodyBytes)}"}`;

      const answers = await stream([line(none), long, line(none)].join('\n'));
      expect(answers.map(({ frame, error }) => [frame, error?.code])).toEqual([
        [0, undefined],
        [1, 'body_too_large'],
      ]);
    });

    test('answers nothing to nothing', async () => {
      expect(await stream('')).toEqual([]);
      await fails(`${STREAM}?smoothing=1`, post(''), 400, 'invalid_request');
    });
  });

  describe(`${name}: POST /huggingface`, () => {
    test('answers the scores of the surest face', async () => {
      const { faces } = await recognize(post(photo));
      expect(await json('/huggingface', post(photo))).toEqual(faces[0]?.expressions);
      const body = { inputs: base64(photo), parameters: { top_k: 2 } };
      expect(await json('/huggingface', postJson(body))).toEqual(faces[0]?.expressions.slice(0, 2));
      expect(await json('/huggingface', post(none))).toEqual([]);
    });

    test.each<[string, RequestInit, number, string]>([
      ['text', post('hello'), 415, 'unsupported_media_type'],
      ['JSON without inputs', postJson({ image: '' }), 400, 'invalid_request'],
      ['eight labels', postJson({ inputs: '', parameters: { top_k: 8 } }), 400, 'invalid_request'],
    ])('refuses %s in its form', async (_, init, status, code) => {
      const response = await request('/huggingface', init);
      expect(response.status).toBe(status);
      expect(await response.json()).toEqual({ error: expect.stringMatching(/\.$/), code });
    });
  });
}
