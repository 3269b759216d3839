import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadAssets, packageRoot } from '../../src/assets/node.js';
import { loadModel } from '../../src/assets/node-model.js';
import { createRecognizer, type Recognizer } from '../../src/model/recognizer.js';
import { astronaut, astronautBytes, encodePng, rotated } from '../support/pictures.js';
import { composed, shrunk } from '../support/scenes.js';

const folder = join(packageRoot(), 'models', 'mien-v1');
const published = existsSync(join(folder, 'weights.safetensors'));

if (!published) console.warn('skipped: models/mien-v1 is not published yet');

describe.skipIf(!published)('the published model', () => {
  let recognizer: Recognizer;
  beforeAll(async () => {
    recognizer = await createRecognizer({
      assets: await loadAssets(),
      model: await loadModel(folder),
      backend: 'wasm',
    });
  });
  afterAll(() => recognizer.dispose());

  test('sees that the astronaut smiles', async () => {
    const { faces, model } = await recognizer.recognize(astronautBytes());
    expect(model.name).toBe('mien-v1');
    expect(faces.map(({ expressions }) => expressions[0]?.label)).toEqual(['happy']);
  });

  test('finds the same face in every size, turn and place, and sees it smile in each', async () => {
    // Its face is 104 pixels wide; here 40 and more, each size in a row of five turns, in pictures of 1920 x 1080.
    const faceRow = (size: number) =>
      [-30, -15, 0, 15, 30].map((turn, column) => {
        const raster = shrunk(rotated(astronaut(), turn), size / 104);
        return { raster, size, x: column * 380, y: 0 };
      });
    const pictures = [[40, 48], [60, 80], [104]].map((sizes) => {
      let y = 0;
      const parts = sizes.flatMap((size) => {
        const row = faceRow(size).map((part) => ({ ...part, y }));
        y += (row[0]?.raster.height ?? 0) + 9;
        return row;
      });
      return { parts, picture: composed(1920, 1080, parts) };
    });
    for (const { parts, picture } of pictures) {
      const { faces } = await recognizer.recognize(encodePng(picture));
      for (const { raster, size, x, y } of parts) {
        // The face's middle, (225, 127) of 512, turned about the picture's middle, is within this picture.
        const inside = faces.filter(({ box }) => {
          const [left, top] = [(box.x + box.width / 2) * 1920 - x, (box.y + box.height / 2) * 1080 - y];
          return left > 0 && top > 0 && left < raster.width && top < raster.height;
        });
        const best = inside[0];
        expect(best && [size, best.expressions[0]?.label]).toEqual([size, 'happy']);
        expect(Math.abs((best?.box.width ?? 0) * 1920 - size)).toBeLessThan(size / 3);
      }
    }
  });

  test('takes a picture of a face as it is', async () => {
    const photo = astronaut();
    const { faces: found } = await recognizer.recognize(astronautBytes());
    const [face] = found as [(typeof found)[0]];
    const side = Math.round(face.box.width * 512 * 1.2);
    const [left, top] = [Math.round(face.box.x * 512 - side / 12), Math.round(face.box.y * 512 - side / 12)];
    const data = new Uint8ClampedArray(side * side * 4);
    for (let row = 0; row < side; row++) {
      const from = ((top + row) * 512 + left) * 4;
      data.set(photo.data.subarray(from, from + side * 4), row * side * 4);
    }
    const { faces } = await recognizer.recognize(encodePng({ width: side, height: side, data }), {
      face: 'whole',
    });
    expect(faces).toHaveLength(1);
    expect(faces[0]).toMatchObject({ box: { x: 0, y: 0, width: 1, height: 1 }, confidence: 1, roll: 0 });
    expect(faces[0]?.expressions[0]?.label).toBe('happy');
  });
});
