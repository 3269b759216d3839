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

/** A picture made smaller by averaging areas, so that nothing is skipped. */
export function shrunk({ width, height, data }: Raster, factor: number): Raster {
  const [across, down] = [Math.round(width * factor), Math.round(height * factor)];
  const out = new Uint8ClampedArray(across * down * 4);
  for (let at = 0; at < across * down; at++) {
    const [left, top] = [Math.floor((at % across) / factor), Math.floor(Math.floor(at / across) / factor)];
    const right = Math.min(width, Math.max(left + 1, Math.floor(((at % across) + 1) / factor)));
    const bottom = Math.min(height, Math.max(top + 1, Math.floor((Math.floor(at / across) + 1) / factor)));
    for (let channel = 0; channel < 4; channel++) {
      let sum = 0;
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++) sum += data[(y * width + x) * 4 + channel] as number;
      out[at * 4 + channel] = sum / ((right - left) * (bottom - top));
    }
  }
  return { width: across, height: down, data: out };
}

/** Pictures on a grey ground, each with its upper left corner somewhere. */
export function composed(
  width: number,
  height: number,
  parts: { raster: Raster; x: number; y: number }[],
): Raster {
  const data = new Uint8ClampedArray(width * height * 4).map((_, at) => (at % 4 === 3 ? 255 : 128));
  for (const { raster, x, y } of parts)
    for (let row = 0; row < raster.height; row++)
      data.set(
        raster.data.subarray(row * raster.width * 4, (row + 1) * raster.width * 4),
        ((y + row) * width + x) * 4,
      );
  return { width, height, data };
}
