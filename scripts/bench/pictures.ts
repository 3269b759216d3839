import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import encodeJpeg, { init } from '@jsquash/jpeg/encode.js';
import { packageRoot } from '../../src/assets/node.js';
import type { ImageDecoder, Raster } from '../../src/model/image.js';

/** The photo of the tests: 512×512, one face. */
export const photo = (): Uint8Array =>
  new Uint8Array(readFileSync(join(packageRoot(), 'test', 'fixtures', 'astronaut.png')));

/** A JPEG of 1920×1080 pixels: the photo side by side and one above another, so that six faces are whole. */
export async function largePhoto(decoder: ImageDecoder): Promise<Uint8Array> {
  const tile = await decoder.decode(photo());
  const [width, height] = [1920, 1080];
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x += tile.width) {
      const from = (y % tile.height) * tile.width * 4;
      const across = Math.min(tile.width, width - x);
      data.set(tile.data.subarray(from, from + across * 4), (y * width + x) * 4);
    }
  const raster: Raster = { width, height, data };
  const path = createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm');
  await init(new WebAssembly.Module(readFileSync(path)));
  return new Uint8Array(await encodeJpeg(raster as ImageData, { quality: 85 }));
}
