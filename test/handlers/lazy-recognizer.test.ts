import { expect, test, vi } from 'vitest';
import { lazyRecognizer } from '../../src/handlers/lazy-recognizer.js';
import type { Recognition, Recognizer } from '../../src/model/recognizer.js';

const answer = { backend: 'wasm' } as Recognition;
const fake = (): Recognizer => ({
  recognize: vi.fn(async () => answer),
  classify: vi.fn(async () => new Float32Array(7)),
  describe: vi.fn(async () => ({ model: { name: 'm', version: '1' }, backend: 'wasm' as const })),
  warmUp: vi.fn(async () => {}),
  dispose: vi.fn(),
});

test('loads once, when first asked', async () => {
  const load = vi.fn(async () => fake());
  const recognizer = lazyRecognizer(load);
  expect(load).not.toHaveBeenCalled();
  const photo = new Uint8Array([1]);
  await Promise.all([
    recognizer.warmUp(),
    recognizer.recognize(photo, { maxFaces: 2 }),
    recognizer.recognize(photo),
  ]);
  expect(load).toHaveBeenCalledTimes(1);
  const loaded = await (load.mock.results[0]?.value as Promise<Recognizer>);
  expect(loaded.recognize).toHaveBeenNthCalledWith(1, photo, { maxFaces: 2 });
});

test('is ready once it has warmed up, and no more after dispose', async () => {
  const loaded = fake();
  const recognizer = lazyRecognizer(async () => loaded);
  await recognizer.describe();
  expect(recognizer.ready()).toBe(false);
  await recognizer.warmUp();
  expect(recognizer.ready()).toBe(true);
  recognizer.dispose();
  expect(recognizer.ready()).toBe(false);
  await vi.waitFor(() => expect(loaded.dispose).toHaveBeenCalledTimes(1));
});

test('tries again after it has failed to load', async () => {
  const load = vi.fn(async () => fake()).mockRejectedValueOnce(new Error('no'));
  const recognizer = lazyRecognizer(load);
  await expect(recognizer.warmUp()).rejects.toThrow('no');
  expect(recognizer.ready()).toBe(false);
  await expect(recognizer.recognize(new Uint8Array())).resolves.toBe(answer);
  expect(load).toHaveBeenCalledTimes(2);
  expect(recognizer.ready()).toBe(true); // nobody warms it up once more
});
