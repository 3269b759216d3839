import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { loadAssets } from '../../../src/assets/node.js';
import { createBackend } from '../../../src/model/backends/index.js';

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
  await expect(fresh.useWasm({ tfjs: wasm.png })).rejects.toMatchObject({ code: 'backend_unavailable' });
});

const missing = (specifier: string) =>
  import(/* @vite-ignore */ specifier).then(
    () => false,
    () => true,
  );

test.skipIf(!(await missing('@tensorflow/tfjs-node-gpu')))(
  'an absent package is named, with its cure',
  async () => {
    await expect(createBackend('node-gpu')).rejects.toMatchObject({
      code: 'backend_unavailable',
      message: expect.stringContaining('npm install --no-save @tensorflow/tfjs-node-gpu'),
      details: { package: '@tensorflow/tfjs-node-gpu' },
    });
  },
);
