import type { Raster } from '../image/raster.js';
import type { Region } from './tiles.js';

/** A raster fitted into a square, and where in the square it lies. */
export interface Letterbox {
  /** `side * side * 3` RGB values, -1 (black) to 1 (white), row major; black around the picture. */
  pixels: Float32Array;
  /** The picture's place in the square, in pixels of the square. */
  x: number;
  y: number;
  width: number;
  height: number;
}

/** For each output position along one axis, the source positions it reads and how much of each. */
interface Taps {
  first: number;
  weights: number[];
}

/**
 * Fits a raster, or a region of it, into a square, keeping its aspect. Averages areas when shrinking, since a bilinear lookup
 * would skip most pixels of a large photo; interpolates when enlarging.
 */
export function letterbox(
  raster: Raster,
  side: number,
  region: Region = { x: 0, y: 0, width: raster.width, height: raster.height },
): Letterbox {
  const longest = Math.max(region.width, region.height);
  const width = Math.max(1, Math.round((region.width * side) / longest));
  const height = Math.max(1, Math.round((region.height * side) / longest));
  const x = Math.floor((side - width) / 2);
  const y = Math.floor((side - height) / 2);
  const columns = taps(region.width, width);
  const rows = taps(region.height, height);
  const pixels = new Float32Array(side * side * 3).fill(-1);

  // Source rows squeezed to the output's width. Output rows read them in order, sharing at most the last
  // one or two with the next, so two by parity are kept.
  const squeezed = [new Float64Array(width * 3), new Float64Array(width * 3)];
  const held = [-1, -1];
  const sums = new Float64Array(width * 3);
  rows.forEach(({ first, weights }, row) => {
    sums.fill(0);
    weights.forEach((weight, index) => {
      const from = first + index;
      const line = squeezed[from % 2] as Float64Array;
      if (held[from % 2] !== from) squeezeRow(raster, region.x, region.y + from, columns, line);
      held[from % 2] = from;
      for (let at = 0; at < sums.length; at++)
        sums[at] = (sums[at] as number) + (line[at] as number) * weight;
    });
    const start = ((y + row) * side + x) * 3;
    for (let at = 0; at < sums.length; at++) pixels[start + at] = (sums[at] as number) / 127.5 - 1;
  });
  return { pixels, x, y, width, height };
}

function squeezeRow(raster: Raster, left: number, row: number, columns: Taps[], line: Float64Array): void {
  const { data, width } = raster;
  const start = (row * width + left) * 4;
  for (let column = 0; column < columns.length; column++) {
    const { first, weights } = columns[column] as Taps;
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let index = 0, at = start + first * 4; index < weights.length; index++, at += 4) {
      const weight = weights[index] as number;
      red += (data[at] as number) * weight;
      green += (data[at + 1] as number) * weight;
      blue += (data[at + 2] as number) * weight;
    }
    line[column * 3] = red;
    line[column * 3 + 1] = green;
    line[column * 3 + 2] = blue;
  }
}

function taps(from: number, to: number): Taps[] {
  const scale = from / to;
  return Array.from({ length: to }, (_, index) => {
    if (scale > 1) {
      const begin = index * scale;
      const end = Math.min(from, begin + scale);
      const first = Math.floor(begin);
      const weights: number[] = [];
      for (let at = first; at < end; at++) {
        weights.push((Math.min(end, at + 1) - Math.max(begin, at)) / (end - begin));
      }
      return { first, weights };
    }
    const centre = Math.min(from - 1, Math.max(0, (index + 0.5) * scale - 0.5));
    const first = Math.floor(centre);
    return first + 1 < from
      ? { first, weights: [1 - (centre - first), centre - first] }
      : { first, weights: [1] };
  });
}
