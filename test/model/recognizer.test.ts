import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadAssets } from '../../src/assets/node.js';
import type { Assets } from '../../src/model/assets.js';
import { createBackend } from '../../src/model/backends/index.js';
import { cropFace } from '../../src/model/crop.js';
import { createFaceDetector, type FaceDetector } from '../../src/model/face.js';
import { createFinder } from '../../src/model/finder.js';
import { createImageDecoder } from '../../src/model/image.js';
import { LABELS } from '../../src/model/labels.js';
import type { Classifier } from '../../src/model/model.js';
import type { Photo } from '../../src/model/photo.js';
import {
  ANY_CROP,
  composeRecognizer,
  createRecognizer,
  type RecognizerParts,
} from '../../src/model/recognizer.js';
import { astronaut, astronautBytes, encodePng, pattern } from '../support/pictures.js';
import { beside, mirrored } from '../support/scenes.js';
import { untrainedModel } from '../support/untrained.js';

let assets: Assets;
let detector: FaceDetector;
beforeAll(async () => {
  assets = await loadAssets();
  await createBackend('wasm', assets);
  detector = await createFaceDetector(assets);
});

/** Says of each crop what its bytes are: a score for each label from a seventh of its sum; keeps the calls. */
function countingClassifier() {
  const calls: Uint8Array[] = [];
  const classifier: Classifier = {
    classify(crops) {
      calls.push(crops.slice());
      const scores = new Float32Array((crops.length / 2304) * 7);
      return scores.map((_, at) => crops.subarray(Math.floor(at / 7) * 2304)[at % 7] as number);
    },
    dispose() {},
  };
  return { calls, classifier };
}

describe('composeRecognizer', () => {
  const parts = (classifier: Classifier): RecognizerParts => ({
    finder: createFinder(createImageDecoder(assets.wasm), detector),
    classifier,
    explainer: { evidence: () => ({ side: 1, values: new Float32Array(1) }) },
    png: assets.wasm.png,
    warmUp: async () => {
      classifier.classify(ANY_CROP);
    },
    model: { name: 'fake', version: '1' },
    backend: 'wasm',
  });
  const compose = (classifier: Classifier) => composeRecognizer(parts(classifier));
  const ANY_PICTURE = encodePng(pattern(32, 32));

  test('lets all else have a turn between the maps of two faces', async () => {
    const [count, side] = [50, 8];
    const box = { x: 0, y: 0, width: 1, height: 1 };
    const found = {
      image: { width: 1, height: 1 },
      faces: Array(count).fill({ box, confidence: 1, roll: 0, crop: box }),
      crops: new Uint8Array(count * ANY_CROP.length),
      timing: { decodeMs: 0, detectMs: 0 },
    };
    const recognizer = composeRecognizer({
      ...parts(countingClassifier().classifier),
      finder: { find: async () => found, warmUp: async () => {}, dispose() {} },
      explainer: { evidence: () => ({ side, values: new Float32Array(count * side * side) }) },
    });
    let turns = 0;
    const timer = setInterval(() => turns++);
    const { faces } = await recognizer.recognize(ANY_PICTURE, { saliency: 'happy' });
    clearInterval(timer);
    expect(faces).toHaveLength(count);
    expect(turns).toBeGreaterThan(count / 2);
  });

  test('classifies all crops in one call, and gives each face its own scores, best first', async () => {
    const { calls, classifier } = countingClassifier();
    const pair = beside(astronaut(), mirrored(astronaut()));
    const { faces } = await compose(classifier).recognize(encodePng(pair));
    const found = detector.detect(pair);
    expect(found).toHaveLength(2);
    const crops = found.map((face) => cropFace(pair, face));
    expect(calls).toEqual([new Uint8Array(crops.flatMap((crop) => [...crop]))]);
    expect(faces).toEqual(
      found.map(({ box, confidence, roll }, face) => ({
        box,
        confidence,
        roll,
        expressions: LABELS.map((label, index) => ({ label, score: crops[face]?.[index] as number })).sort(
          (one, other) => other.score - one.score,
        ),
      })),
    );
    // The control: were the two faces' scores exchanged, this would tell.
    expect(crops[0]?.subarray(0, 7)).not.toEqual(crops[1]?.subarray(0, 7));
  });

  test('asks the classifier nothing where there is no face', async () => {
    const { calls, classifier } = countingClassifier();
    const { faces, model, backend } = await compose(classifier).recognize(encodePng(pattern(32, 32)));
    expect({ faces, model, backend }).toEqual({
      faces: [],
      model: { name: 'fake', version: '1' },
      backend: 'wasm',
    });
    expect(calls).toEqual([]);
  });

  test('warms up both networks', async () => {
    const { calls, classifier } = countingClassifier();
    await compose(classifier).warmUp();
    expect(calls.map((crops) => crops.length)).toEqual([2304]);
  });

  test.each([
    ['maxFaces', [0, -1, 1.5, Number.NaN, '3']],
    ['minFaceSize', [0, -40, Number.NaN, Number.POSITIVE_INFINITY, '40']],
    ['face', ['Whole', '']],
    ['saliency', ['joy', 'Happy', '']],
  ])('refuses options that are none: %s', async (option, values) => {
    const recognizer = compose(countingClassifier().classifier);
    for (const value of values) {
      await expect(recognizer.recognize(ANY_PICTURE, { [option]: value })).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining(`${option} must be`),
      });
    }
    const all = { maxFaces: 1, minFaceSize: 30.5, face: 'auto', saliency: 'sad' } as const;
    expect((await recognizer.recognize(ANY_PICTURE, all)).faces).toEqual([]); // the control
  });

  test('classifies nothing for who has gone', async () => {
    const { calls, classifier } = countingClassifier();
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(compose(classifier).classify(ANY_CROP, { signal })).rejects.toThrow('gone');
    expect(calls).toEqual([]);
  });

  test('is disposed of once, and refuses what is asked of it then', async () => {
    let disposed = 0;
    const { calls, classifier } = countingClassifier();
    const recognizer = composeRecognizer({
      ...parts({ ...classifier, dispose: () => disposed++ }),
      finder: { ...createFinder(createImageDecoder(assets.wasm), detector), dispose: () => disposed++ },
    });
    recognizer.dispose();
    recognizer.dispose();
    expect(disposed).toBe(2); // the finder and the classifier
    for (const asked of [
      recognizer.recognize(ANY_PICTURE),
      recognizer.classify(ANY_CROP),
      recognizer.warmUp(),
    ]) {
      await expect(asked).rejects.toMatchObject({ code: 'not_ready' });
    }
    expect(calls).toEqual([]);
    expect(await recognizer.describe()).toMatchObject({ backend: 'wasm' });
  });

  test.each<[string, Photo]>([
    ['Buffer', Buffer.from(ANY_PICTURE)],
    ['part of a larger buffer', Buffer.concat([Buffer.alloc(3), ANY_PICTURE]).subarray(3)],
    ['ArrayBuffer', ANY_PICTURE.slice().buffer],
    ['Blob', new Blob([ANY_PICTURE.slice()])],
  ])('takes a photo as a %s', async (_, photo) => {
    const { image } = await compose(countingClassifier().classifier).recognize(photo);
    expect(image).toEqual({ width: 32, height: 32 });
  });

  test('refuses what is no photo, and a Blob that cannot be read', async () => {
    const recognizer = compose(countingClassifier().classifier);
    for (const other of ['photo.jpg', undefined, null, [137, 80], {}])
      await expect(recognizer.recognize(other as never)).rejects.toMatchObject({
        code: 'invalid_request',
        message: 'A photo is a Uint8Array, an ArrayBuffer or a Blob.',
      });
    const gone = Object.assign(new Blob(), { arrayBuffer: () => Promise.reject(new Error('it is gone')) });
    await expect(recognizer.recognize(gone)).rejects.toMatchObject({
      code: 'invalid_image',
      message: 'The photo cannot be read: it is gone',
    });
  });

  test('passes on what the decoder refuses', async () => {
    const recognizer = compose(countingClassifier().classifier);
    await expect(recognizer.recognize(new Uint8Array())).rejects.toMatchObject({ code: 'empty_input' });
  });
});

describe('createRecognizer', () => {
  test('recognizes, keeps no tensors, and frees all when disposed', async () => {
    const before = tf.memory().numTensors;
    const recognizer = await createRecognizer({ assets, model: untrainedModel(), backend: 'wasm' });
    await recognizer.warmUp();
    const loaded = tf.memory().numTensors;
    expect(loaded).toBeGreaterThan(before);
    const { faces, model } = await recognizer.recognize(astronautBytes());
    expect(faces).toHaveLength(1);
    expect(model).toEqual({ name: 'untrained', version: '0.0.0' });
    expect(tf.memory().numTensors).toBe(loaded);
    recognizer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('disposed of while a photo is in work, refuses it', async () => {
    for (const microtasks of [0, 1, 2, 5]) {
      const recognizer = await createRecognizer({ assets, model: untrainedModel(), backend: 'wasm' });
      const asked = recognizer.recognize(astronautBytes(), { saliency: 'top' });
      for (let waited = 0; waited < microtasks; waited++) await undefined;
      recognizer.dispose();
      await expect(asked).rejects.toMatchObject({ code: 'not_ready' });
    }
  });

  test.each([Number.NaN, 0, -1])('refuses %d pixels as a limit, and keeps nothing', async (maxPixels) => {
    const before = tf.memory().numTensors;
    await expect(
      createRecognizer({ assets, model: untrainedModel(), backend: 'wasm', maxPixels }),
    ).rejects.toMatchObject({ code: 'invalid_request' });
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each([
    undefined,
    [1, 2],
    new ArrayBuffer(2304),
    new Float32Array(2304),
  ])('scores no crops that are no bytes: %#', async (crops) => {
    const recognizer = await createRecognizer({ assets, model: untrainedModel(), backend: 'wasm' });
    await expect(recognizer.classify(crops as unknown as Uint8Array)).rejects.toMatchObject({
      code: 'invalid_request',
    });
    recognizer.dispose();
  });

  test('limits the pixels', async () => {
    const options = { assets, model: untrainedModel(), backend: 'wasm', maxPixels: 1000 } as const;
    const recognizer = await createRecognizer(options);
    const refused = recognizer.recognize(astronautBytes());
    await expect(refused).rejects.toMatchObject({ code: 'image_too_large', details: { maxPixels: 1000 } });
    recognizer.dispose();
  });

  test('refuses weights that are not the architecture’s, and keeps nothing', async () => {
    const before = tf.memory().numTensors;
    const model = { ...untrainedModel(), weights: new Uint8Array(4) };
    await expect(createRecognizer({ assets, model, backend: 'wasm' })).rejects.toMatchObject({
      code: 'invalid_weights',
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
