/** Pictures for the tests: the photo under fixtures/, turned and encoded in every way that photos come in. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { deflateSync } from 'node:zlib';
import encodeJpegImage, { init as initJpeg } from '@jsquash/jpeg/encode.js';
import encodeWebpImage, { init as initWebp } from '@jsquash/webp/encode.js';
import { PNG } from 'pngjs';
import type { Orientation } from '../../src/model/image/exif.js';
import type { Raster } from '../../src/model/image.js';

const require = createRequire(import.meta.url);
const compile = (file: string) => new WebAssembly.Module(readFileSync(require.resolve(file)));

export const astronautBytes = () =>
  new Uint8Array(readFileSync(new URL('../fixtures/astronaut.png', import.meta.url)));

/** The photo as a raster, decoded by pngjs: independent of the code under test. */
export function astronaut(): Raster {
  const { width, height, data } = PNG.sync.read(Buffer.from(astronautBytes()));
  return { width, height, data: new Uint8ClampedArray(data) };
}

/** A raster whose every pixel differs from its neighbours, so that a wrong turn shows. */
export function pattern(width: number, height: number): Raster {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let at = 0; at < width * height; at++) data.set([at * 7, at * 13, (at * 29) % 251, 255], at * 4);
  return { width, height, data };
}

/** Moves every pixel to where `place` says, on a canvas of the given size. */
function moved(
  raster: Raster,
  width: number,
  height: number,
  place: (x: number, y: number) => [number, number],
): Raster {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < raster.height; y++) {
    for (let x = 0; x < raster.width; x++) {
      const [toX, toY] = place(x, y);
      const from = (y * raster.width + x) * 4;
      data.set(raster.data.subarray(from, from + 4), (toY * width + toX) * 4);
    }
  }
  return { width, height, data };
}

/** How a camera that writes `orientation` would have stored the upright raster. */
export function storedAs(raster: Raster, orientation: Orientation): Raster {
  const { width: w, height: h } = raster;
  const turn90 = (r: Raster) => moved(r, r.height, r.width, (x, y) => [r.height - 1 - y, x]);
  const mirror = (r: Raster) => moved(r, r.width, r.height, (x, y) => [r.width - 1 - x, y]);
  const turn180 = (r: Raster) => moved(r, r.width, r.height, (x, y) => [r.width - 1 - x, r.height - 1 - y]);
  switch (orientation) {
    case 1:
      return raster;
    case 2:
      return mirror(raster);
    case 3:
      return turn180(raster);
    case 4:
      return mirror(turn180(raster));
    case 5:
      return moved(raster, h, w, (x, y) => [y, x]);
    case 6:
      return turn180(turn90(raster)); // shown after a quarter turn clockwise, so stored a quarter turn back
    case 7:
      return moved(raster, h, w, (x, y) => [h - 1 - y, w - 1 - x]);
    case 8:
      return turn90(raster);
  }
}

/** The raster turned clockwise by `degrees` about its centre, on a canvas of the same size. */
export function rotated({ width, height, data }: Raster, degrees: number): Raster {
  const cos = Math.cos((degrees * Math.PI) / 180);
  const sin = Math.sin((degrees * Math.PI) / 180);
  const out = new Uint8ClampedArray(data.length).fill(255);
  const at = (x: number, y: number, channel: number) =>
    data[
      (Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))) * 4 + channel
    ] as number;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x + 0.5 - width / 2, y + 0.5 - height / 2];
      const fromX = dx * cos + dy * sin + width / 2 - 0.5;
      const fromY = dy * cos - dx * sin + height / 2 - 0.5;
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      const [fx, fy] = [fromX - left, fromY - top];
      for (let c = 0; c < 3; c++) {
        const upper = at(left, top, c) * (1 - fx) + at(left + 1, top, c) * fx;
        const lower = at(left, top + 1, c) * (1 - fx) + at(left + 1, top + 1, c) * fx;
        out[(y * width + x) * 4 + c] = upper * (1 - fy) + lower * fy;
      }
    }
  }
  return { width, height, data: out };
}

type PngOptions = { colorType?: 0 | 2 | 4 | 6 };

export function encodePng(raster: Raster, options: PngOptions = {}): Uint8Array {
  const png = new PNG({ width: raster.width, height: raster.height });
  png.data = Buffer.from(raster.data);
  return new Uint8Array(PNG.sync.write(png, { colorType: 6, inputColorType: 6, ...options }));
}

/** RGBA at 16 bits a sample, each byte twice. */
export function encodePng16({ width, height, data }: Raster): Uint8Array {
  const lines = Array.from({ length: height }, (_, row) => [
    0, // no filter
    ...Array.from(data.subarray(row * width * 4, (row + 1) * width * 4)).flatMap((value) => [value, value]),
  ]).flat();
  return join(
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    pngChunk('IHDR', [...uint32(width), ...uint32(height), 16, 6, 0, 0, 0]),
    pngChunk('IDAT', Array.from(deflateSync(Uint8Array.from(lines)))),
    pngChunk('IEND', []),
  );
}

export async function encodeJpeg(raster: Raster, quality = 90): Promise<Uint8Array> {
  await initJpeg(compile('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm') as never);
  return new Uint8Array(await encodeJpegImage(raster as never, { quality }));
}

/** Lossless, so that pixels can be compared. */
export async function encodeWebp(raster: Raster): Promise<Uint8Array> {
  await initWebp(compile('@jsquash/webp/codec/enc/webp_enc_simd.wasm') as never);
  return new Uint8Array(await encodeWebpImage(raster as never, { lossless: 1 }));
}

export const join = (...parts: (Uint8Array | number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => Array.from(part)));

const ascii = (text: string) => Array.from(text, (character) => character.charCodeAt(0));
const uint32 = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);

/** A TIFF block with one entry, the orientation; in either byte order. */
export function exifBlock(orientation: number, little = false): number[] {
  const order = (bytes: number[]) => (little ? bytes.reverse() : bytes);
  const short = (value: number) => order([value >> 8, value & 255]);
  const long = (value: number) => order(uint32(value));
  const entry = [...short(0x0112), ...short(3), ...long(1), ...short(orientation), 0, 0];
  return [...ascii(little ? 'II' : 'MM'), ...short(42), ...long(8), ...short(1), ...entry, ...long(0)];
}

export function jpegWithExif(jpeg: Uint8Array, block: number[]): Uint8Array {
  const payload = [...ascii('Exif'), 0, 0, ...block];
  const length = payload.length + 2;
  return join(jpeg.subarray(0, 2), [0xff, 0xe1, length >> 8, length & 255], payload, jpeg.subarray(2));
}

/** A grey progressive JPEG of 64 x 64 pixels with so many scans, all but the first empty, and `between` before the last. */
export function jpegOfScans(scans: number, between: number[] = []): Uint8Array {
  const segment = (marker: number, ...content: number[]) => [0xff, marker, 0, content.length + 2, ...content];
  const codes = (id: number, symbol: number) => segment(0xc4, id, 1, ...Array(15).fill(0), symbol); // the one code is 0
  const empty = [...segment(0xda, 1, 1, 0, 1, 63, 1), 0]; // 64 blocks by a run of 64, which ends a band
  return join(
    [0xff, 0xd8],
    segment(0xdb, 0, ...Array(64).fill(1)),
    segment(0xc2, 8, 0, 64, 0, 64, 1, 1, 0x11, 0),
    codes(0x00, 0),
    codes(0x10, 0x60),
    [...segment(0xda, 1, 1, 0, 0, 0, 1), ...Array(8).fill(0)],
    Array(Math.max(0, scans - 2))
      .fill(empty)
      .flat(),
    between,
    empty,
    [0xff, 0xd9],
  );
}

export function pngChunk(type: string, content: number[]): number[] {
  const body = [...ascii(type), ...content];
  return [...uint32(content.length), ...body, ...uint32(crc(body))];
}

export function pngWithExif(png: Uint8Array, block: number[]): Uint8Array {
  const afterHeader = 8 + 25;
  return join(png.subarray(0, afterHeader), pngChunk('eXIf', block), png.subarray(afterHeader));
}

/** Wraps a plain WebP in the extended layout (VP8X), which alone may carry an EXIF chunk. */
export function webpWithExif(webp: Uint8Array, { width, height }: Raster, block: number[]): Uint8Array {
  const little = (value: number, bytes: number) => uint32(value).reverse().slice(0, bytes);
  const extended = [0x08, 0, 0, 0, ...little(width - 1, 3), ...little(height - 1, 3)];
  const chunks = join(
    ascii('WEBPVP8X'),
    little(extended.length, 4),
    extended,
    webp.subarray(12),
    ascii('EXIF'),
    little(block.length, 4),
    block,
  );
  return join(ascii('RIFF'), little(chunks.length, 4), chunks);
}

function crc(bytes: number[]): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}
