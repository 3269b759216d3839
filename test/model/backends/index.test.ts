import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { loadAssets } from '../../../src/assets/node.js';
import {
  BACKEND_ORDER,
  type BackendName,
  createBackend,
  createFirstBackend,
} from '../../../src/model/backends/index.js';
import { MienError } from '../../../src/model/errors.js';

test('wasm needs its module, starts once and computes', async () => {
  await expect(createBackend('wasm')).rejects.toMatchObject({ code: 'backend_unavailable' });
  const listeners = process.listenerCount('uncaughtException');
  const { wasm } = await loadAssets();
  const first = await createBackend('wasm', { wasm });
  expect(tf.getBackend()).toBe('wasm');
  expect(process.listenerCount('uncaughtException')).toBe(listeners);
  const tensor = tf.tensor1d([1, 2, 3]);
  expect(await createBackend('wasm', { wasm })).toBe(first);
  // The backend is the same one: a tensor made before is still there.
  expect([...tf.tidy(() => tf.add(tensor, 1).dataSync())]).toEqual([2, 3, 4]);
  tensor.dispose();
});

test('a module that is something else is refused', async () => {
  const { wasm } = await loadAssets();
  const fresh = await import('../../../src/model/backends/wasm.js');
  await expect(fresh.useWasm({ ...wasm, tfjs: wasm.png })).rejects.toMatchObject({
    code: 'backend_unavailable',
  });
});

test('a name that is none is refused with those that there are', async () => {
  await expect(createBackend('auto' as BackendName)).rejects.toMatchObject({
    code: 'invalid_request',
    message: 'There is no backend "auto"; there are wasm, node, node-gpu.',
  });
});

test('a runtime that cannot have native TensorFlow says so', async () => {
  await expect(createBackend('node')).rejects.toMatchObject({
    code: 'backend_unavailable',
    message: 'This runtime has no backend node.',
  });
});

test('the first that starts is taken, and of those before it the reason is told', async () => {
  const assets = await loadAssets();
  const skipped: string[] = [];
  const native = (name: string) => Promise.reject(new MienError('backend_unavailable', `no ${name} today`));
  const { name } = await createFirstBackend(BACKEND_ORDER, { ...assets, native }, (...one) => {
    skipped.push(one.join(': '));
  });
  expect(name).toBe('wasm');
  expect(tf.getBackend()).toBe('wasm');
  expect(skipped).toEqual(['node-gpu: no node-gpu today', 'node: no node today']);
  await expect(createFirstBackend(['node-gpu', 'node'], { native }, () => {})).rejects.toThrow(
    'no node today',
  );
  // A fault of the program is no reason to go on.
  const broken = () => Promise.reject(new TypeError('broken'));
  await expect(createFirstBackend(BACKEND_ORDER, { ...assets, native: broken }, () => {})).rejects.toThrow(
    'broken',
  );
});
