import { PNG } from 'pngjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { LABELS } from '../../src/model/labels.js';
import type { Recognition, RecognizedFace } from '../../src/model/recognizer.js';
import { astronaut, astronautBytes, encodeJpeg, encodePng, pattern } from '../support/pictures.js';
import { beside, mirrored } from '../support/scenes.js';
import {
  base64,
  type ContractOptions,
  caller,
  dotNetForm,
  EXPRESSIONS,
  form,
  post,
  postJson,
  type Request,
} from './requests.js';

/** What is answered to a photo. */
export function answers(name: string, request: Request, options: ContractOptions): void {
  const { recognize } = caller(request);
  const photo = astronautBytes();

  describe(`${name}: POST ${EXPRESSIONS}`, () => {
    let answer: Recognition;
    beforeAll(async () => {
      answer = await recognize(post(photo, { 'content-type': 'image/png' }));
    });

    test('answers the one face of the photo, field for field', () => {
      expect(Object.keys(answer)).toEqual(['image', 'faces', 'model', 'backend', 'timing']);
      expect(answer.image).toEqual({ width: 512, height: 512 });
      expect(answer.backend).toBe(options.backend);
      expect(Object.keys(answer.model)).toEqual(['name', 'version']);
      expect(answer.model.name).toBe(options.model.name);
      expect(answer.model.version).toMatch(options.model.version);
      expect(answer.faces).toHaveLength(1);
      const face = answer.faces[0] as Recognition['faces'][0];
      expect(Object.keys(face)).toEqual(['box', 'confidence', 'roll', 'expressions']);
      // Read off the photo: cheeks x 175 to 275, hairline to chin y 75 to 180, to within a tenth of the face.
      expect(Object.keys(face.box)).toEqual(['x', 'y', 'width', 'height']);
      expect(Math.abs((face.box.x + face.box.width / 2) * 512 - 225)).toBeLessThan(10);
      expect(Math.abs((face.box.y + face.box.height / 2) * 512 - 127)).toBeLessThan(15);
      expect(face.confidence).toBeGreaterThan(0.8);
      expect(face.confidence).toBeLessThanOrEqual(1);
      // Pupils at (201, 100) and (247, 103): atan(3 / 46) = 3.7 degrees.
      expect(Math.abs(face.roll - 3.7)).toBeLessThan(3);
    });

    test('scores all seven labels, best first, with sum 1', () => {
      const expressions = answer.faces[0]?.expressions ?? [];
      expect(expressions.map(({ label }) => label).sort()).toEqual([...LABELS].sort());
      const scores = expressions.map(({ score }) => score);
      expect(scores).toEqual([...scores].sort((one, other) => other - one));
      expect(Math.min(...scores)).toBeGreaterThanOrEqual(0);
      // Seven float32, each rounded at 6e-8.
      expect(Math.abs(scores.reduce((sum, score) => sum + score, 0) - 1)).toBeLessThan(1e-6);
    });

    test('says how long each step took', () => {
      const { decodeMs, detectMs, inferMs, totalMs, ...rest } = answer.timing;
      expect(rest).toEqual({});
      for (const value of [decodeMs, detectMs, inferMs]) expect(value).toBeGreaterThanOrEqual(0);
      expect(Math.abs(decodeMs + detectMs + inferMs - totalMs)).toBeLessThan(0.01); // rounded to 0.001 each
    });

    test.each<[string, RequestInit]>([
      ['bytes without a type', post(photo)],
      ['bytes as application/octet-stream', post(photo, { 'content-type': 'application/octet-stream' })],
      ['bytes under a wrong type', post(photo, { 'content-type': 'image/jpeg' })],
      ["bytes as curl's --data-binary", post(photo, { 'content-type': 'application/x-www-form-urlencoded' })],
      ['a multipart form', form(['note', 'hello'], ['image', photo])],
      ["a multipart form of .NET's", dotNetForm(photo)],
      ['JSON with base64', postJson({ image: base64(photo) })],
      ['JSON with a data: URL', postJson({ image: `data:image/png;base64,${base64(photo)}` })],
    ])('answers the same for %s', async (_, init) => {
      const { faces } = await recognize(init);
      expect(faces).toEqual(answer.faces);
    });

    test('finds the same face in a JPEG', async () => {
      const { faces } = await recognize(post(await encodeJpeg(astronaut(), 95)));
      expect(faces).toHaveLength(1);
      // The pixels differ a little, and so does the box: by at most 2 of 512 pixels.
      expect(Math.abs((faces[0]?.box.x ?? 0) - (answer.faces[0]?.box.x ?? 1))).toBeLessThan(2 / 512);
    });

    test('answers no faces where there are none', async () => {
      const answer = await recognize(post(encodePng(pattern(64, 48))));
      expect(answer.faces).toEqual([]);
      expect(answer.image).toEqual({ width: 64, height: 48 });
    });

    test('answers at most maxFaces', async () => {
      const init = post(await encodeJpeg(beside(astronaut(), mirrored(astronaut()))));
      expect((await recognize(init)).faces).toHaveLength(2);
      expect((await recognize(init, '?maxFaces=1')).faces).toHaveLength(1);
    });

    test('answers no face smaller than minFaceSize', async () => {
      expect((await recognize(post(photo), '?minFaceSize=90')).faces).toHaveLength(1);
      expect((await recognize(post(photo), '?minFaceSize=120')).faces).toEqual([]);
    });

    test('takes the picture for a face where it is said to be one', async () => {
      const { faces } = await recognize(post(encodePng(pattern(64, 48))), '?face=whole&saliency=top');
      expect(faces).toHaveLength(1);
      const box = { x: 0.125, y: 0, width: 0.75, height: 1 };
      expect(faces[0]).toMatchObject({ box, confidence: 1, roll: 0, saliency: { crop: box } });
    });

    test('maps over a face where a label comes from', async () => {
      const labels = answer.faces[0]?.expressions.map(({ label }) => label) as string[];
      const [best, worst] = [labels[0], labels[6]];
      const [top, other] = (await Promise.all(
        ['top', worst].map(async (label) => (await recognize(post(photo), `?saliency=${label}`)).faces[0]),
      )) as [RecognizedFace, RecognizedFace];
      expect({ ...top, saliency: undefined }).toEqual({ ...answer.faces[0], saliency: undefined });
      expect(Object.keys(top.saliency ?? {})).toEqual(['label', 'image', 'crop']);
      expect([top.saliency?.label, other.saliency?.label]).toEqual([best, worst]);
      expect(other.saliency?.image).not.toBe(top.saliency?.image);
      const [type, content] = top.saliency?.image.split(',') as [string, string];
      expect(type).toBe('data:image/png;base64');
      const { width, height, data } = PNG.sync.read(Buffer.from(content, 'base64'));
      expect(width).toBe(height);
      expect(width % 8).toBe(0);
      expect([Math.min(...data), Math.max(...data)]).toEqual([0, 255]); // the whole range is used
      // The crop's middle is the face's, and the photo is square, so the crop is too.
      const { crop } = top.saliency as NonNullable<typeof top.saliency>;
      const { box } = answer.faces[0] as Recognition['faces'][0];
      expect(Math.abs(crop.x + crop.width / 2 - box.x - box.width / 2)).toBeLessThan(0.02);
      expect(crop.width).toBeCloseTo(crop.height, 9);
      expect(crop.width).toBeGreaterThan(box.width);
    });

    test('keeps apart what is asked at the same time', async () => {
      const other = post(encodePng(mirrored(astronaut()), { colorType: 2 }));
      const alone = await recognize(other);
      // Mirrored: the control that two answers are not alike anyway.
      expect(alone.faces[0]?.roll).toBeLessThan(0);
      expect(alone.faces[0]?.expressions).not.toEqual(answer.faces[0]?.expressions);
      const none = post(encodePng(pattern(64, 48)));
      const asked = [post(photo), other, none, other, post(photo), none];
      const answers = await Promise.all(asked.map((init) => recognize(init)));
      expect(answers.map(({ faces }) => faces)).toEqual(
        [answer, alone, { faces: [] }, alone, answer, { faces: [] }].map(({ faces }) => faces),
      );
    });
  });
}
