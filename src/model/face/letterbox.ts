import type { Raster } from '../image/raster.js';
import type { WasmModule } from '../wasm-module.js';
import type { Region } from './tiles.js';

/** A raster fitted into a square, and where in the square it lies. */
export interface Letterboxed {
  /** `side * side * 3` RGB values, -1 (black) to 1 (white), row major; black around the picture. */
  pixels: Float32Array;
  /** The picture's place in the square, in pixels of the square. */
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Fits a raster, or a region of it, into a square, keeping its aspect. Averages areas when shrinking, since a bilinear lookup
 * would skip most pixels of a large photo; interpolates when enlarging.
 *
 * @param share how much of the square's side its longer side takes, above 0, at most 1, which is the default
 */
export type Letterbox = (raster: Raster, region?: Region, share?: number) => Letterboxed;

/** For each output position along one axis, the source positions it reads and how much of each. */
interface Taps {
  first: number;
  weights: number[];
}

/** Functions of assembly/letterbox.ts. */
interface PixelFunctions {
  sumRows(
    rows: number,
    count: number,
    rowBytes: number,
    ...weightsAndSum: [first: number, middle: number, last: number, sum: number]
  ): void;
  sumColumns(row: number, taps: number, columns: number, out: number): void;
}

const PAGE = 65536;
const FLOAT = Float32Array.BYTES_PER_ELEMENT;
const RGBA = 4;
const RGB = 3;
/** Bytes that are computed at once. */
const VECTOR = 16;

const whole = ({ width, height }: Raster): Region => ({ x: 0, y: 0, width, height });

/**
 * Makes letterboxes of one side. Looking for faces reads a photo of a telephone about three times, for which WebAssembly
 * needs a sixth of JavaScript's time.
 *
 * @param kernels the module of our own, compiled; its memory here is not the backend's
 */
export function createLetterbox(kernels: WasmModule, side: number): Letterbox {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const instance = new WebAssembly.Instance(kernels, { env: { memory } });
  const { sumRows, sumColumns } = instance.exports as unknown as PixelFunctions;
  const outBytes = side * side * RGB * FLOAT;

  function reserve(bytes: number): void {
    const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE);
    if (missing > 0) memory.grow(missing);
  }

  return (raster, region = whole(raster), share = 1) => {
    const scale = (side * share) / Math.max(region.width, region.height);
    const width = Math.max(1, Math.round(region.width * scale));
    const height = Math.max(1, Math.round(region.height * scale));
    const x = Math.floor((side - width) / 2);
    const y = Math.floor((side - height) / 2);

    // The memory: the result, the columns' taps, the sum of some rows, then these rows.
    const rows = taps(region.height, height);
    const columns = taps(region.width, width);
    const heads = columns.flatMap(({ first, weights }) => [first * RGBA * FLOAT, weights.length * FLOAT]);
    const weights = columns.flatMap((column) => column.weights);
    const rowBytes = Math.ceil((region.width * RGBA) / VECTOR) * VECTOR;
    const sum = outBytes + (heads.length + weights.length) * FLOAT;
    const source = sum + rowBytes * FLOAT;
    reserve(source + rowBytes * Math.max(...rows.map((row) => row.weights.length)));
    new Int32Array(memory.buffer, outBytes).set(heads);
    new Float32Array(memory.buffer, outBytes + heads.length * FLOAT).set(weights);
    const bytes = new Uint8Array(memory.buffer);
    const out = new Float32Array(memory.buffer, 0, outBytes / FLOAT).fill(-1);

    rows.forEach(({ first, weights: shares }, row) => {
      shares.forEach((_, index) => {
        const start = ((region.y + first + index) * raster.width + region.x) * RGBA;
        bytes.set(raster.data.subarray(start, start + region.width * RGBA), source + index * rowBytes);
      });
      const [begin, middle, end] = [shares[0], shares[1] ?? 0, shares.at(-1)] as [number, number, number];
      sumRows(source, shares.length, rowBytes, begin, middle, end, sum);
      sumColumns(sum, outBytes, width, ((y + row) * side + x) * RGB * FLOAT);
    });
    return { pixels: out.slice(), x, y, width, height };
  };
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
