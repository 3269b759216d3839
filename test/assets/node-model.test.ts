import { rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadModel } from '../../src/assets/node-model.js';
import { untrainedFolder, untrainedModel } from '../support/untrained.js';

let folder: string;
let remove: () => void;
beforeEach(() => {
  ({ folder, remove } = untrainedFolder());
});
afterEach(() => remove());

test('reads a folder, whose name is the model’s', async () => {
  const { weights, ...model } = await loadModel(`${folder}/`);
  const { weights: written, ...expected } = untrainedModel();
  expect(weights.constructor).toBe(Uint8Array); // and not a Buffer, whose slice() is another
  expect(model).toEqual({ ...expected, name: basename(folder) });
  expect(Buffer.compare(weights, written)).toBe(0); // toEqual takes 20 s for as many bytes
});

test('says that there is no model', async () => {
  const message = 'There is no model at /nowhere.';
  await expect(loadModel('/nowhere')).rejects.toMatchObject({ code: 'invalid_data', message });
});

test.each([
  ['architecture.json', 'invalid_architecture'],
  ['weights.safetensors', 'invalid_weights'],
  ['metrics.json', 'invalid_data'],
])('names %s where it is missing', async (file, code) => {
  rmSync(join(folder, file));
  const message = `The model has no readable ${join(folder, file)}.`;
  await expect(loadModel(folder)).rejects.toMatchObject({ code, message });
});

test.each([
  ['architecture.json', '{', 'invalid_architecture'],
  ['metrics.json', '{', 'invalid_data'],
  ['metrics.json', '{"version": 1}', 'invalid_data'],
])('names %s where it holds %s', async (file, content, code) => {
  writeFileSync(join(folder, file), content);
  const message = expect.stringMatching(`${file} is broken: `);
  await expect(loadModel(folder)).rejects.toMatchObject({ code, message });
});
