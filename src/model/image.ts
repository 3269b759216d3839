import { MienError } from './errors.js';
import { type Codec, jpegCodec, pngCodec, webpCodec } from './image/codecs.js';
import { readOrientation } from './image/exif.js';
import { type ImageType, readHeader } from './image/header.js';
import type { Raster } from './image/raster.js';
import { overWhite, upright } from './image/upright.js';
import type { WasmModule } from './wasm-module.js';

export type { Raster } from './image/raster.js';

/** jSquash's decoders, compiled: the caller reads them, for only it knows where files are. */
export type CodecModules = Record<ImageType, WasmModule>;

export interface ImageDecoderOptions {
  /** Largest width x height decoded, in pixels. Default 50 million (200 MB as RGBA), as imgproxy's. */
  maxPixels?: number;
  /**
   * Most WebAssembly memory, in bytes, that a decoder may hold on to between images: it never shrinks, so one
   * that has grown beyond is let go. Default 48 MiB, each of the three.
   */
  keepBytes?: number;
}

export interface ImageDecoder {
  /**
   * Decodes a JPEG, PNG or WebP to an upright, opaque raster: EXIF orientation applied, transparent
   * pixels laid over white.
   *
   * @throws MienError `empty_input`, `unsupported_media_type`, `image_too_large` (details: width, height, and
   *   maxPixels or maxSide) or `invalid_image`, the decoder's complaint as its cause
   */
  decode(bytes: Uint8Array): Promise<Raster>;
}

export const DEFAULT_MAX_PIXELS = 50_000_000;

/** Longest side decoded, pixels: JPEG's own limit. The work of looking for faces grows with the sides, not with the area alone. */
const MAX_SIDE = 65_535;

const DEFAULT_KEEP_BYTES = 48 * 1024 * 1024;

const CREATE: Record<ImageType, (module: WasmModule) => Promise<Codec>> = {
  jpeg: jpegCodec,
  png: pngCodec,
  webp: webpCodec,
};

/**
 * Makes a decoder. Each codec is instantiated when first needed, and anew after it has thrown.
 *
 * @throws MienError `invalid_request` where `maxPixels` is no number above 0
 * @example
 * const { wasm } = await loadAssets();
 * const raster = await createImageDecoder(wasm).decode(await readFile('photo.jpg'));
 */
export function createImageDecoder(modules: CodecModules, options: ImageDecoderOptions = {}): ImageDecoder {
  const maxPixels = options.maxPixels ?? DEFAULT_MAX_PIXELS;
  if (!(maxPixels > 0)) throw new MienError('invalid_request', 'maxPixels must be a number above 0.');
  const keepBytes = options.keepBytes ?? DEFAULT_KEEP_BYTES;
  const codecs: Partial<Record<ImageType, Promise<Codec>>> = {};

  /** Decodes by a codec that no other decode has discarded meanwhile: nothing may wait between the check and the use. */
  async function run(type: ImageType, bytes: Uint8Array): Promise<Raster> {
    for (;;) {
      codecs[type] ??= CREATE[type](modules[type]);
      const pending = codecs[type];
      let codec: Codec;
      try {
        codec = await pending;
      } catch (cause) {
        delete codecs[type];
        throw new MienError('internal', `The ${type} decoder does not start.`, { cause });
      }
      if (codecs[type] !== pending) continue;
      try {
        const raster = codec.decode(bytes);
        if (codec.memoryBytes() > keepBytes) delete codecs[type];
        return raster;
      } catch (cause) {
        if (MienError.is(cause)) throw cause;
        delete codecs[type]; // after a trap its memory is in no known state
        throw new MienError('invalid_image', `The ${type} is truncated or corrupt.`, { cause });
      }
    }
  }

  return {
    async decode(bytes) {
      const { type, width, height } = readHeader(bytes);
      const tooLarge = (limit: string, details: Record<string, number>) =>
        new MienError('image_too_large', `The image has ${width} x ${height} pixels; at most ${limit}.`, {
          details: { width, height, ...details },
        });
      if (Math.max(width, height) > MAX_SIDE)
        throw tooLarge(`${MAX_SIDE} a side are decoded`, { maxSide: MAX_SIDE });
      if (width * height > maxPixels) throw tooLarge(`${maxPixels} are decoded`, { maxPixels });
      const raster = await run(type, bytes);
      // What was checked above has to be what was decoded.
      if (raster.width !== width || raster.height !== height) {
        throw new MienError('invalid_image', `The ${type} has another size than its header gives.`);
      }
      const opaque = type === 'jpeg' ? raster : overWhite(raster);
      return upright(opaque, readOrientation(bytes, type));
    },
  };
}
