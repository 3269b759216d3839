import type { Orientation } from './exif.js';
import type { Raster } from './raster.js';

/**
 * The raster as EXIF orientation `orientation` wants it shown. Moves pixels, changes none; orientation 1
 * gives back the same object.
 */
export function upright(raster: Raster, orientation: Orientation): Raster {
  if (orientation === 1) return raster;
  const { width, height, data } = raster;
  const swapped = orientation >= 5;
  const outWidth = swapped ? height : width;
  const outHeight = swapped ? width : height;
  const last = width * height - 1;
  // Where the shown top left pixel is stored, and the steps in storage of one to the right, one down.
  const [start, right, down] = {
    2: [width - 1, -1, width],
    3: [last, -1, -width],
    4: [last - width + 1, 1, -width],
    5: [0, width, 1],
    6: [last - width + 1, -width, 1],
    7: [last, -width, -1],
    8: [width - 1, width, -1],
  }[orientation] as [number, number, number];

  const source = new Uint32Array(data.buffer, data.byteOffset, width * height);
  const target = new Uint32Array(width * height);
  let at = 0;
  for (let y = 0; y < outHeight; y++) {
    let from = start + y * down;
    for (let x = 0; x < outWidth; x++, from += right) target[at++] = source[from] as number;
  }
  return { width: outWidth, height: outHeight, data: new Uint8ClampedArray(target.buffer) };
}

/**
 * Lays transparent pixels over white, in place, by exactly rounded integers.
 *
 * White, because that is what a cut-out portrait is looked at on; the colour hidden under alpha 0 is
 * whatever the tool that cut it out left there, mostly black.
 */
export function overWhite(raster: Raster): Raster {
  const { data } = raster;
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3] as number;
    if (alpha === 255) continue;
    const white = 255 * (255 - alpha) + 127;
    for (let channel = at; channel < at + 3; channel++) {
      data[channel] = Math.floor(((data[channel] as number) * alpha + white) / 255);
    }
    data[at + 3] = 255;
  }
  return raster;
}
