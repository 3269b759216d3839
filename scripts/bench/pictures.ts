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
export const largePhoto = (decoder: ImageDecoder): Promise<Uint8Array> =>
  redrawn(decoder, { width: 1920, height: 1080 }, (x, y, { width, height }) => [x % width, y % height]);

/** A JPEG as large as a telephone takes it, 12 megapixels: the photo, enlarged. */
export function phonePhoto(decoder: ImageDecoder): Promise<Uint8Array> {
  const phone = { width: 4032, height: 3024 };
  return redrawn(decoder, phone, (x, y, { width, height }) => [
    Math.floor((x * width) / phone.width),
    Math.floor((y * height) / phone.height),
  ]);
}

/** A JPEG of the photo's pixels. @param place which of the source's a pixel is */
async function redrawn(
  decoder: ImageDecoder,
  { width, height }: { width: number; height: number },
  place: (x: number, y: number, source: Raster) => [number, number],
): Promise<Uint8Array> {
  const source = await decoder.decode(photo());
  const pixels = new Uint32Array(source.data.slice().buffer);
  const drawn = new Uint32Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [fromX, fromY] = place(x, y, source);
      drawn[y * width + x] = pixels[fromY * source.width + fromX] as number;
    }
  const raster: Raster = { width, height, data: new Uint8ClampedArray(drawn.buffer) };
  const path = createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm');
  await init(new WebAssembly.Module(readFileSync(path)));
  return new Uint8Array(await encodeJpeg(raster as ImageData, { quality: 85 }));
}
