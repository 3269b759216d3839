/** An app that computes with tfjs in the same process keeps its tensors and its backend. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as wasm from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, expect, test } from 'vitest';
import { loadAssets, packageRoot } from '../../../src/assets/node.js';
import { loadModel } from '../../../src/assets/node-model.js';
import { createRecognizer } from '../../../src/model/recognizer.js';

const photo = readFileSync('test/fixtures/astronaut.png');
const assets = await loadAssets();
const model = await loadModel(join(packageRoot(), 'models', 'mien-v1'));
const create = () => createRecognizer({ assets, model, backend: 'wasm' });

/** Another backend of tfjs, as far as it is asked for here. */
class Other extends tf.KernelBackend {
  override numDataIds = () => 0;
  override floatPrecision = () => 32 as const;
  override dispose() {}
}
tf.registerBackend('other', () => new Other());
afterAll(() => tf.removeBackend('other'));

test('where it has started the wasm backend, ours is refused, and its tensors are still there', async () => {
  wasm.setWasmPaths(`${join(packageRoot(), 'node_modules/@tensorflow/tfjs-backend-wasm/dist')}/`);
  await tf.setBackend('wasm');
  const tensor = tf.tensor1d([1, 2, 3]);
  await expect(create()).rejects.toMatchObject({
    code: 'backend_unavailable',
    message: expect.stringContaining('create the recognizer before'),
  });
  expect([...(await tensor.data())]).toEqual([1, 2, 3]);
  expect(tf.getBackend()).toBe('wasm');
  tf.removeBackend('wasm');
});

test('its backend is current again whenever a recognizer has computed', async () => {
  await tf.setBackend('other');
  const recognizer = await create();
  expect(tf.getBackend()).toBe('other');
  const { faces } = await recognizer.recognize(photo, { saliency: 'top' });
  expect(faces[0]?.expressions[0]?.label).toBe('happy');
  expect(tf.getBackend()).toBe('other');
  // The control: it computes where it should, and not on what is current.
  expect(() => tf.tensor1d([1]).add(1)).toThrow();
  recognizer.dispose();
  expect(tf.getBackend()).toBe('other');
});
