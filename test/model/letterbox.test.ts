import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadAssets, WASM_FILES } from '../../src/assets/node.js';
import { createLetterbox, type Letterbox, type Letterboxed } from '../../src/model/face/letterbox.js';
import type { Region } from '../../src/model/face/tiles.js';
import type { Raster } from '../../src/model/image.js';
import { hasRelaxedSimd } from '../../src/model/plan/kernels/relaxed-simd.js';
import type { WasmModule } from '../../src/model/wasm-module.js';
import { randomNumbers } from '../support/random.js';

const SIDE = 256;
let kernels: WasmModule;
let letterbox: Letterbox;

beforeAll(async () => {
  kernels = (await loadAssets()).wasm.kernels;
  letterbox = createLetterbox(kernels, SIDE);
});

const random = randomNumbers(5);

function noise(width: number, height: number): Raster {
  const data = Uint8ClampedArray.from({ length: width * height * 4 }, () => 128 + 127 * random());
  return { width, height, data };
}

const bytes = ({ pixels }: Letterboxed) => Buffer.from(pixels.buffer);

/** How much of each position of `from` an output position of `to` is: of the area it covers, or of its two neighbours. */
function shares(from: number, to: number, index: number): Map<number, number> {
  const scale = from / to;
  const own = new Map<number, number>();
  if (scale > 1) {
    for (let at = Math.floor(index * scale); at < Math.min(from, (index + 1) * scale); at++) {
      const common = Math.min(at + 1, (index + 1) * scale) - Math.max(at, index * scale);
      if (common > 1e-9) own.set(at, common / scale);
    }
    return own;
  }
  const centre = Math.min(from - 1, Math.max(0, (index + 0.5) * scale - 0.5));
  own.set(Math.floor(centre), 1 - (centre % 1));
  if (centre % 1 > 0) own.set(Math.floor(centre) + 1, centre % 1);
  return own;
}

/** One value, counted in float64 as the words say it. */
function expected({ width, data }: Raster, region: Region, fitted: Region, x: number, y: number, c: number) {
  if (x < fitted.x || y < fitted.y || x >= fitted.x + fitted.width || y >= fitted.y + fitted.height)
    return -1;
  let sum = 0;
  for (const [row, share] of shares(region.height, fitted.height, y - fitted.y))
    for (const [column, part] of shares(region.width, fitted.width, x - fitted.x))
      sum += share * part * (data[((region.y + row) * width + region.x + column) * 4 + c] as number);
  return sum / 127.5 - 1;
}

describe('letterbox', () => {
  test.each<[string, number, number, Region | undefined, number?]>([
    ['shrinks by little', 300, 270, undefined],
    ['shrinks by much, to half a square', 1999, 1000, undefined],
    ['shrinks one side of a long picture to a line', 60_000, 3, undefined],
    ['leaves a square of its side', 256, 256, undefined],
    ['enlarges', 37, 20, undefined],
    ['enlarges a pixel', 1, 1, undefined],
    ['shows a region', 700, 600, { x: 41, y: 7, width: 555, height: 590 }],
    ['takes a quarter of the square, a thousand rows in one', 40, 65_535, undefined, 0.25],
    ['shows the last pixels', 700, 600, { x: 600, y: 580, width: 100, height: 20 }],
  ])('%s: %i x %i', (_, width, height, region, share = 1) => {
    const raster = noise(width, height);
    const { pixels, ...fitted } = letterbox(raster, region, share);
    expect(Math.max(fitted.width, fitted.height)).toBe(SIDE * share);
    expect(pixels).toHaveLength(SIDE * SIDE * 3);
    const shown = region ?? { x: 0, y: 0, width, height };
    let worst = 0;
    // Every 7th value, which meets all columns, rows and colours; of the picture's first and last rows all.
    const all = [0, fitted.height - 1].map((row) => (fitted.y + row) * SIDE * 3);
    const looked = (at: number) => at % 7 === 0 || all.some((from) => at >= from && at < from + SIDE * 3);
    for (let at = 0; at < pixels.length; at++) {
      if (!looked(at)) continue;
      const [x, y] = [Math.floor(at / 3) % SIDE, Math.floor(at / 3 / SIDE)];
      const wanted = expected(raster, shown, fitted, x, y, at % 3);
      worst = Math.max(worst, Math.abs((pixels[at] as number) - wanted));
    }
    expect(worst).toBeLessThan(2e-6);
  });

  test('takes a share of the square', () => {
    const raster = noise(500, 200);
    const { pixels, ...fitted } = letterbox(raster, undefined, 0.25);
    expect(fitted).toEqual({ x: 96, y: 115, width: 64, height: 26 });
    const small = createLetterbox(kernels, 64)(raster);
    const row = (from: Float32Array, side: number, y: number, x: number) =>
      from.subarray((y * side + x) * 3, (y * side + x + 64) * 3);
    for (let y = 0; y < 26; y++)
      expect(row(pixels, SIDE, 115 + y, 96)).toEqual(row(small.pixels, 64, small.y + y, 0));
    expect(pixels.filter((value) => value !== -1).length).toBeLessThanOrEqual(64 * 26 * 3);
  });

  test('averages areas when shrinking: stripes become grey', () => {
    const width = 1024;
    const data = new Uint8ClampedArray(width * 512 * 4).map((_, at) => ((at >> 2) % 2 ? 255 : 0));
    const boxed = letterbox({ width, height: 512, data });
    expect(boxed).toMatchObject({ x: 0, y: 64, width: 256, height: 128 });
    const inside = boxed.pixels.subarray(64 * 256 * 3, 192 * 256 * 3);
    expect(inside.every((value) => Math.abs(value) < 1e-6)).toBe(true);
    expect(boxed.pixels[0]).toBe(-1);
  });

  test('what was looked at before leaves nothing behind', () => {
    const small = noise(90, 40);
    const fresh = bytes(letterbox(small));
    letterbox(noise(1500, 1000));
    expect(bytes(letterbox(small)).equals(fresh)).toBe(true);
  });

  test('is the same with and without relaxed SIMD', () => {
    if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');
    const raster = noise(1000, 701);
    const [plain, relaxed] = [WASM_FILES.kernels, WASM_FILES.relaxedKernels].map((path) =>
      bytes(createLetterbox(new WebAssembly.Module(readFileSync(path)), SIDE)(raster)),
    );
    expect(relaxed?.equals(plain as Buffer)).toBe(true);
  });
});
