import { beforeAll, describe, expect, test } from 'vitest';
import { loadAssets } from '../../src/assets/node.js';
import type { Assets } from '../../src/model/assets.js';
import { createBackend } from '../../src/model/backends/index.js';
import { createImageDecoder } from '../../src/model/image.js';
import { LABELS } from '../../src/model/labels.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { cropOf, drawEvidence } from '../../src/model/saliency.js';
import { untrainedModel } from '../support/untrained.js';

let assets: Assets;
beforeAll(async () => {
  assets = await loadAssets();
});

describe('saliency', () => {
  test('is drawn from black, where a crop speaks least, to white', async () => {
    const url = drawEvidence(assets.wasm.png, Float32Array.of(-1, 0, 1, 3), 2);
    const png = Buffer.from(url.slice('data:image/png;base64,'.length), 'base64');
    const { data, width, height } = await createImageDecoder(assets.wasm).decode(png);
    const greys = Array.from({ length: 4 }, (_, at) => [...data.subarray(at * 4, at * 4 + 4)]);
    expect([width, height]).toEqual([2, 2]);
    expect(greys).toEqual([0, 64, 128, 255].map((grey) => [grey, grey, grey, 255]));
  });

  test('is what speaks for a label more than for the others', async () => {
    const classifier = createClassifier(untrainedModel(), await createBackend('wasm', assets));
    const crop = Uint8Array.from({ length: 48 * 48 }, (_, at) => (at * 37) % 256);
    const crops = new Uint8Array(LABELS.length * crop.length);
    for (const at of LABELS.keys()) crops.set(crop, at * crop.length);
    const { side, values } = classifier.evidence(crops, [...LABELS.keys()]);
    classifier.dispose();
    const cells = side * side;
    let [sum, most] = [0, 0];
    for (let cell = 0; cell < cells; cell++) {
      const all = LABELS.map((_, label) => values[label * cells + cell] as number);
      sum = Math.max(sum, Math.abs(all.reduce((a, b) => a + b, 0)));
      most = Math.max(most, ...all.map(Math.abs));
    }
    expect(most).toBeGreaterThan(0); // the control
    expect(sum / most).toBeLessThan(1e-5);
  });

  test('lies over what was cropped, about the middle of the face', () => {
    const picture = { width: 800, height: 400 };
    const face = {
      box: { x: 0.25, y: 0.25, width: 0.25, height: 0.5 },
      confidence: 1,
      roll: 0,
      eyes: { left: { x: 0.32, y: 0.42 }, right: { x: 0.43, y: 0.42 } },
    };
    const { x, y, width, height } = cropOf(face, picture);
    expect(width * picture.width).toBeCloseTo(height * picture.height, 6); // a square of pixels
    expect(x + width / 2).toBeCloseTo(0.375, 2);
    expect(x).toBeLessThan(0.32);
    expect(x + width).toBeGreaterThan(0.43);
    expect([y < 0.42, y + height > 0.6]).toEqual([true, true]);
  });
});
