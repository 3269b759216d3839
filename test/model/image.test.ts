import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadAssets } from '../../src/assets/node.js';
import { MienError } from '../../src/model/errors.js';
import type { Orientation } from '../../src/model/image/exif.js';
import { readHeader } from '../../src/model/image/header.js';
import {
  type CodecModules,
  createImageDecoder,
  type ImageDecoder,
  type Raster,
} from '../../src/model/image.js';
import * as pictures from '../support/pictures.js';

let modules: CodecModules;
let decoder: ImageDecoder;
const small = pictures.pattern(37, 23);
const files: Record<'jpeg' | 'png' | 'webp', Uint8Array> = {} as never;

beforeAll(async () => {
  modules = (await loadAssets()).wasm;
  decoder = createImageDecoder(modules);
  files.jpeg = await pictures.encodeJpeg(small);
  files.png = pictures.encodePng(small);
  files.webp = await pictures.encodeWebp(small);
});

afterEach(() => vi.restoreAllMocks());

const failure = (bytes: Uint8Array): Promise<MienError> =>
  decoder.decode(bytes).then(
    () => Promise.reject(new Error('it decoded')),
    (error) => (MienError.is(error) ? error : Promise.reject(error)),
  );

/** Equality to the byte, said briefly when it fails. */
function same(raster: Raster, expected: Raster): void {
  expect([raster.width, raster.height]).toEqual([expected.width, expected.height]);
  expect(raster.data.findIndex((value, at) => value !== expected.data[at])).toBe(-1);
}

describe('header', () => {
  test.each(['jpeg', 'png', 'webp'] as const)('%s: type and size', (type) => {
    expect(readHeader(files[type])).toEqual({ type, width: 37, height: 23 });
  });

  test('lossy and extended WebP have layouts of their own', () => {
    const bytes = new Uint8Array(40);
    bytes.set(new TextEncoder().encode('RIFF    WEBPVP8 '));
    bytes.set([32, 0, 0, 0], 4);
    bytes.set([0x9d, 0x01, 0x2a, 37, 0x40, 23, 0x40], 23); // the top two bits are a scaling hint
    expect(readHeader(bytes)).toEqual({ type: 'webp', width: 37, height: 23 });
    const extended = pictures.webpWithExif(files.webp, small, pictures.exifBlock(1));
    expect(readHeader(extended)).toEqual({ type: 'webp', width: 37, height: 23 });
  });

  test('the size limit holds before anything is decoded', async () => {
    // A header alone: decoding it would say invalid_image.
    const bomb = pictures.join(
      files.png.subarray(0, 8),
      pictures.pngChunk('IHDR', [0, 0, 0x40, 0, 0, 0, 0x40, 0, 8, 6, 0, 0, 0]),
    );
    const error = await failure(bomb);
    expect(error.code).toBe('image_too_large');
    expect(error.details).toEqual({ width: 16384, height: 16384, maxPixels: 50_000_000 });
  });

  test('no side may be longer than 65,535 pixels, however few there are', async () => {
    const claiming = (height: number[]) =>
      pictures.join(
        files.png.subarray(0, 8),
        pictures.pngChunk('IHDR', [0, 0, 0, 1, ...height, 8, 6, 0, 0, 0]),
      );
    const error = await failure(claiming([0, 1, 0, 0]));
    expect(error.code).toBe('image_too_large');
    expect(error.details).toEqual({ width: 1, height: 65_536, maxSide: 65_535 });
    expect((await failure(claiming([0, 0, 255, 255]))).code).toBe('invalid_image'); // the control: decoding is tried
  });

  test('maxPixels is the largest size that passes', async () => {
    await createImageDecoder(modules, { maxPixels: 37 * 23 }).decode(files.png);
    const strict = createImageDecoder(modules, { maxPixels: 37 * 23 - 1 });
    await expect(strict.decode(files.png)).rejects.toMatchObject({ code: 'image_too_large' });
  });
});

describe('errors', () => {
  test.each([
    ['no bytes', () => new Uint8Array(0), 'empty_input'],
    [
      'text',
      () => new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      'unsupported_media_type',
    ],
    ['a GIF', () => new TextEncoder().encode('GIF89a\u0001\u0000\u0001\u0000'), 'unsupported_media_type'],
    [
      'a PNG of width 0',
      () => files.png.map((byte, at) => (at >= 16 && at < 20 ? 0 : byte)),
      'invalid_image',
    ],
  ] as const)('%s', async (_name, bytes, code) => {
    expect((await failure(bytes())).code).toBe(code);
  });

  test.each(['jpeg', 'png', 'webp'] as const)('a truncated %s is refused wherever it ends', async (type) => {
    const whole = files[type];
    for (const share of [0.02, 0.1, 0.5, 0.9, 0.97]) {
      const bytes = whole.subarray(0, Math.max(12, Math.floor(whole.length * share)));
      const error = await failure(bytes);
      expect(error.code).toBe('invalid_image');
      expect(error.cause).toBeInstanceOf(Error);
    }
    // and the decoder is as good as new
    expect((await decoder.decode(whole)).width).toBe(37);
  });

  test.each(['jpeg', 'png', 'webp'] as const)('a %s with garbage for content is refused', async (type) => {
    const header = { jpeg: files.jpeg.indexOf(0xda) + 12, png: 41, webp: 30 }[type];
    const error = await failure(files[type].map((byte, at) => (at < header ? byte : (at * 37) % 251)));
    expect(error.code).toBe('invalid_image');
  });

  test('a raster of another size than the header gave is refused', async () => {
    // As if another trick had deceived the reader of headers.
    vi.spyOn(DataView.prototype, 'getUint32').mockReturnValueOnce(36);
    expect(await failure(files.png)).toMatchObject({
      code: 'invalid_image',
      message: expect.stringContaining('another size'),
    });
    expect((await decoder.decode(files.png)).width).toBe(37); // the control
  });

  test('an animated WebP is named', async () => {
    const still = pictures.webpWithExif(files.webp, small, pictures.exifBlock(1));
    const error = await failure(still.map((byte, at) => (at === 20 ? byte | 2 : byte)));
    expect(error).toMatchObject({
      code: 'invalid_image',
      message: expect.stringContaining('animated WebP'),
    });
  });

  test('CMYK is named', async () => {
    const frame = files.jpeg.findIndex(
      (byte, at) => byte === 0xff && [0xc0, 0xc2].includes(files.jpeg[at + 1] ?? 0),
    );
    const error = await failure(files.jpeg.map((byte, at) => (at === frame + 9 ? 4 : byte)));
    expect(error).toMatchObject({ code: 'invalid_image', message: expect.stringContaining('CMYK') });
  });
});

describe('a JPEG is read as libjpeg reads it', () => {
  const decoy = [0xff, 0xc0, 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0]; // a frame header of 1 x 1
  const comment = (...content: number[]) => [0xff, 0xfe, 0, content.length + 2, ...content];
  const firstScan = () => files.jpeg.findIndex((byte, at) => byte === 0xff && files.jpeg[at + 1] === 0xda);
  const inserted = (at: number, bytes: number[]) =>
    pictures.join(files.jpeg.subarray(0, at), bytes, files.jpeg.subarray(at));
  const afterFirst = (bytes: number[]) => inserted(4 + (files.jpeg[5] as number), bytes);

  test('what stands where a stuffed byte has a length hides no frame header', async () => {
    // Whoever skips so much from FF 00 on goes on within the comment.
    const first = pictures.join(files.jpeg.subarray(2, firstScan()));
    const length = first.length + 2 + 4;
    const stuffed = [0xff, 0x00, length >> 8, length & 255];
    const crafted = pictures.join(
      files.jpeg.subarray(0, 2),
      stuffed,
      first,
      comment(...decoy),
      files.jpeg.subarray(firstScan()),
    );
    expect(readHeader(crafted)).toEqual({ type: 'jpeg', width: 37, height: 23 });
    expect(await decoder.decode(crafted)).toMatchObject({ width: 37, height: 23 });
  });

  test.each([
    ['bytes between segments', [1, 2, 0xff, 0, 3]],
    ['fill bytes', [0xff, 0xff, 0xff]],
    ['markers that stand alone', [0xff, 0x01, 0xff, 0xd3]],
    ['a comment that looks like a frame', comment(...decoy)],
  ])('%s are skipped', async (_, bytes) => {
    same(await decoder.decode(afterFirst(bytes)), await decoder.decode(files.jpeg));
  });

  test.each([
    ['an unknown marker', [0xff, 0x02, 0, 2]],
    ['a second start', [0xff, 0xd8]],
    ['a frame header too many', decoy],
  ])('%s is refused', async (_, bytes) => {
    expect((await failure(afterFirst(bytes))).code).toBe('invalid_image');
  });

  test('one of more than a hundred scans is refused before it is decoded', async () => {
    const refused = await failure(pictures.jpegOfScans(101));
    expect(refused).toMatchObject({ code: 'invalid_image', details: { scans: 101, limit: 100 } });
    expect(await decoder.decode(pictures.jpegOfScans(100))).toMatchObject({ width: 64, height: 64 });
    // What is behind the end is no scan: some phones put a film there.
    const followed = pictures.join(pictures.jpegOfScans(100), [0xff, 0xda, 0, 2]);
    expect(await decoder.decode(followed)).toMatchObject({ width: 64 });
    // An end within a comment is none: what follows is counted.
    const hidden = pictures.jpegOfScans(101, comment(0xff, 0xd9));
    expect(await failure(hidden)).toMatchObject({ details: { scans: 101 } });
  });

  test('a cut one is refused though libjpeg has warned of something else before', async () => {
    const warned = inserted(firstScan(), [1, 2, 3]);
    expect((await failure(warned.subarray(0, warned.length - 40))).code).toBe('invalid_image');
    // The control: that warning alone is no reason, nor is what follows the end.
    same(await decoder.decode(pictures.join(warned, [1, 2, 3])), await decoder.decode(files.jpeg));
  });
});

test('decodes at the same time share no decoder that one of them has discarded', async () => {
  const created = vi.spyOn(WebAssembly.Module, 'imports'); // as it is for each instance
  const forgetful = createImageDecoder(modules, { keepBytes: 0 });
  await Promise.all([1, 2, 3].map(() => forgetful.decode(files.png)));
  expect(created).toHaveBeenCalledTimes(3);
});

describe('pixels', () => {
  test.each(['png', 'webp'] as const)('lossless %s comes out as it went in', async (type) => {
    same(await decoder.decode(files[type]), small);
  });

  test('a JPEG comes out nearly so', async () => {
    const photo = pictures.astronaut();
    const { data } = await decoder.decode(await pictures.encodeJpeg(photo, 95));
    let difference = 0;
    photo.data.forEach((value, at) => {
      difference += Math.abs(value - (data[at] as number));
    });
    expect(difference / data.length).toBeLessThan(2); // of 255; quality 95 loses about 1
  });

  test('grey and 16-bit PNGs', async () => {
    const grey = { ...small, data: small.data.map((_, at) => (at % 4 === 3 ? 255 : (at >> 2) % 256)) };
    for (const options of [{ colorType: 0 }, { colorType: 4 }] as const) {
      same(await decoder.decode(pictures.encodePng(grey, options)), grey);
    }
    same(await decoder.decode(pictures.encodePng16(small)), small);
  });

  test('a palette PNG with tRNS, laid over white', async () => {
    const png = pictures.join(
      files.png.subarray(0, 8),
      pictures.pngChunk('IHDR', [0, 0, 0, 3, 0, 0, 0, 1, 8, 3, 0, 0, 0]),
      pictures.pngChunk('PLTE', [200, 100, 0, 1, 2, 3, 9, 9, 9]),
      pictures.pngChunk('tRNS', [255, 0, 128]),
      // zlib: one stored block of four bytes (filter 0, then the three indices), Adler-32
      pictures.pngChunk('IDAT', [0x78, 1, 1, 4, 0, 0xfb, 0xff, 0, 0, 1, 2, 0, 8, 0, 4]),
      pictures.pngChunk('IEND', []),
    );
    const over = (value: number, alpha: number) => Math.round((value * alpha + 255 * (255 - alpha)) / 255);
    const { data } = await decoder.decode(png);
    const half = over(9, 128);
    expect([...data]).toEqual([200, 100, 0, 255, 255, 255, 255, 255, half, half, half, 255]);
  });
});

describe('EXIF orientation', () => {
  const orientations: Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];

  test.each(orientations)('%i: PNG and WebP come out upright, to the pixel', async (orientation) => {
    const stored = pictures.storedAs(small, orientation);
    const block = pictures.exifBlock(orientation, orientation % 2 === 0);
    same(await decoder.decode(pictures.pngWithExif(pictures.encodePng(stored), block)), small);
    const webp = pictures.webpWithExif(await pictures.encodeWebp(stored), stored, block);
    same(await decoder.decode(webp), small);
  });

  test.each(orientations)('%i: JPEG is turned once', async (orientation) => {
    const plain = await decoder.decode(files.jpeg);
    const turned = await decoder.decode(pictures.jpegWithExif(files.jpeg, pictures.exifBlock(orientation)));
    same(pictures.storedAs(turned, orientation), plain);
    if (orientation > 1) expect(turned).not.toEqual(plain); // the control
  });

  test.each([
    ['other bytes', [0, 0]],
    ['a stuffed byte', [0xff, 0]],
    ['a marker that stands alone', [0xff, 0x01]],
  ])('a JPEG is turned where %s stand before the block, which libjpeg skips', async (_, bytes) => {
    const turned = pictures.jpegWithExif(files.jpeg, pictures.exifBlock(6));
    const preceded = pictures.join(turned.subarray(0, 2), bytes, turned.subarray(2));
    // A type is told by its first three bytes.
    const commented = pictures.join(preceded.subarray(0, 2), [0xff, 0xfe, 0, 2], preceded.subarray(2));
    same(await decoder.decode(commented), await decoder.decode(turned));
    expect(await decoder.decode(turned)).toMatchObject({ width: 23, height: 37 }); // the control
  });

  test('nonsense in the block means upright', async () => {
    const whole = pictures.exifBlock(6);
    for (const block of [pictures.exifBlock(9), pictures.exifBlock(0), whole.slice(0, 12), [1, 2, 3]]) {
      same(await decoder.decode(pictures.pngWithExif(files.png, block)), small);
    }
  });
});
