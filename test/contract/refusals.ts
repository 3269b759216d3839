import { describe, expect, test } from 'vitest';
import { astronautBytes, join } from '../support/pictures.js';
import {
  base64,
  type ContractOptions,
  caller,
  EXPRESSIONS,
  form,
  pieces,
  pngClaiming,
  post,
  postJson,
  type Request,
} from './requests.js';

/** What is refused, with which status and code. */
export function refusals(name: string, request: Request, options: ContractOptions): void {
  const { recognize, fails } = caller(request);
  const photo = astronautBytes();

  describe(`${name}: what POST ${EXPRESSIONS} refuses`, () => {
    test.each<[string, RequestInit, number, string]>([
      ['an empty body', { method: 'POST' }, 400, 'empty_input'],
      ['text', post('This is not an image.', { 'content-type': 'image/png' }), 415, 'unsupported_media_type'],
      [
        'a GIF',
        post(
          join(
            [...'GIF89a'].map((c) => c.charCodeAt(0)),
            [1, 0, 1, 0],
          ),
        ),
        415,
        'unsupported_media_type',
      ],
      ['half a PNG', post(photo.slice(0, photo.length / 2)), 400, 'invalid_image'],
      ['a PNG cut in its header', post(photo.slice(0, 14)), 400, 'invalid_image'],
      ['3.6 billion pixels', post(pngClaiming(60_000)), 413, 'image_too_large'],
      ['broken JSON', post('{"image": ', { 'content-type': 'application/json' }), 400, 'invalid_request'],
      ['JSON without an image', postJson({ picture: 'AAAA' }), 400, 'invalid_request'],
      ['JSON with a number for an image', postJson({ image: 7 }), 400, 'invalid_request'],
      ['what is not base64', postJson({ image: 'µ' }), 400, 'invalid_request'],
      ['empty base64', postJson({ image: '' }), 400, 'empty_input'],
      [
        'text in base64',
        postJson({ image: base64(new TextEncoder().encode('hello')) }),
        415,
        'unsupported_media_type',
      ],
      ['a form without an image', form(['photo', photo.slice(0, 99)]), 400, 'invalid_request'],
      [
        'a form with two images',
        form(['image', photo.slice(0, 99)], ['image', photo.slice(0, 99)]),
        400,
        'invalid_request',
      ],
      ['a form with text for an image', form(['image', 'hello']), 400, 'invalid_request'],
      [
        'a form without its boundary',
        post('x', { 'content-type': 'multipart/form-data' }),
        400,
        'invalid_request',
      ],
    ])('%s', async (_, init, status, code) => {
      await fails(EXPRESSIONS, init, status, code);
    });

    test.each(['face=mine', 'minFaceSize=15', 'minFaceSize=1e9'])('%s', async (query) => {
      const { error } = await fails(`${EXPRESSIONS}?${query}`, post(photo), 400, 'invalid_request');
      expect(error.details.issues[0].path).toBe(query.split('=')[0]);
    });

    test.each(['joyful', 'Happy', ''])('saliency=%s', async (value) => {
      const { error } = await fails(`${EXPRESSIONS}?saliency=${value}`, post(photo), 400, 'invalid_request');
      expect(error.details.issues[0].path).toBe('saliency');
    });

    test('a parameter that there is not', async () => {
      const { error } = await fails(`${EXPRESSIONS}?maxfaces=1`, post(photo), 400, 'invalid_request');
      expect(error.message).toContain('maxfaces');
    });

    test.each(['', '/batch', '/stream'])('a parameter that is given twice, at %s', async (path) => {
      const query = 'face=whole&maxFaces=1&maxFaces=abc';
      const { error } = await fails(`${EXPRESSIONS}${path}?${query}`, post(photo), 400, 'invalid_request');
      // Not why: some gateways hand on the last alone.
      expect(error.details.issues).toEqual([{ path: 'maxFaces', message: expect.any(String) }]);
    });

    test.each(['0', '101', '-1', '1.5', '0x2', '1e1', 'many', ''])('maxFaces=%s', async (value) => {
      const { error } = await fails(`${EXPRESSIONS}?maxFaces=${value}`, post(photo), 400, 'invalid_request');
      expect(error.details.issues[0].path).toBe('maxFaces');
    });

    test.each(['gzip', 'Zstd', 'identity, br'])('a body that is %s', async (encoding) => {
      const headers = { 'content-encoding': encoding };
      for (const path of [EXPRESSIONS, `${EXPRESSIONS}/batch`, `${EXPRESSIONS}/stream`]) {
        const { response, error } = await fails(path, post(photo, headers), 415, 'unsupported_media_type');
        expect(error.message).toContain(encoding.split(' ').at(-1)?.toLowerCase());
        expect(response.headers.get('accept-encoding')).toBe('identity');
      }
      for (const path of ['/v2/models/mien/infer', '/huggingface'])
        expect((await request(path, post(photo, headers))).status).toBe(415);
      const plain = { 'content-encoding': 'identity' };
      const { response } = await fails(EXPRESSIONS, post('text', plain), 415, 'unsupported_media_type');
      expect(response.headers.get('accept-encoding')).toBeNull();
    });

    test('says which limit an image breaks', async () => {
      const { error } = await fails(EXPRESSIONS, post(pngClaiming(60_000)), 413, 'image_too_large');
      expect(error.details).toMatchObject({ width: 60_000, height: 60_000 });
    });

    test('a body above the limit, by its length', async () => {
      const body = new Uint8Array(options.maxBodyBytes + 1);
      const { error } = await fails(EXPRESSIONS, post(body), 413, 'body_too_large');
      expect(error.details).toEqual({ maxBodyBytes: options.maxBodyBytes });
      // The control: one byte less is read and judged as an image.
      await fails(EXPRESSIONS, post(body.subarray(1)), 415, 'unsupported_media_type');
    });

    if (options.streams !== false)
      test('a body above the limit, while it comes', async () => {
        const { init, taken } = pieces(options.maxBodyBytes * (options.drains ? 8 : 50));
        await fails(EXPRESSIONS, init, 413, 'body_too_large');
        // Not read to its end: what fits in the buffers on the way may be.
        if (!options.drains) expect(taken()).toBeLessThan(options.maxBodyBytes * 25);
      });

    test('and answers the next photo', async () => {
      expect((await recognize(post(photo))).faces).toHaveLength(1);
    });
  });
}
