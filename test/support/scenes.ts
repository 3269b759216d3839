/** Photos made of others. */
import type { Raster } from '../../src/model/image.js';

/** Left and right exchanged: a face's roll changes its sign, and its crop is another picture. */
export function mirrored({ width, height, data }: Raster): Raster {
  const out = new Uint8ClampedArray(data.length);
  for (let at = 0; at < width * height; at++) {
    const x = at % width;
    const from = (at - x + width - 1 - x) * 4;
    out.set(data.subarray(from, from + 4), at * 4);
  }
  return { width, height, data: out };
}

/** Two photos of one height side by side. */
export function beside(left: Raster, right: Raster): Raster {
  const width = left.width + right.width;
  const data = new Uint8ClampedArray(width * left.height * 4);
  for (let y = 0; y < left.height; y++) {
    data.set(left.data.subarray(y * left.width * 4, (y + 1) * left.width * 4), y * width * 4);
    const from = right.data.subarray(y * right.width * 4, (y + 1) * right.width * 4);
    data.set(from, (y * width + left.width) * 4);
  }
  return { width, height: left.height, data };
}
