import { MienError } from '../errors.js';

export type ImageType = 'jpeg' | 'png' | 'webp';

/** What the first bytes of a file say, before anything is decoded. */
export interface ImageHeader {
  type: ImageType;
  /** Pixels as stored, so before the EXIF orientation is applied. */
  width: number;
  height: number;
}

const PNG_MAGIC = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** The four characters at `offset`, as PNG and RIFF name their chunks. */
export function fourCharacters(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + 4));
}

/** The type by magic bytes, whatever a file name or a content type claims. */
export function sniffType(bytes: Uint8Array): ImageType | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'jpeg';
  if (PNG_MAGIC.every((byte, index) => bytes[index] === byte)) return 'png';
  if (fourCharacters(bytes, 0) === 'RIFF' && fourCharacters(bytes, 8) === 'WEBP') return 'webp';
  return undefined;
}

/**
 * Reads type and size from the header alone: a 600 KB PNG can hold 800 MB of pixels, so the size is known
 * before a decoder may allocate it.
 *
 * @throws MienError `empty_input`, `unsupported_media_type`, or `invalid_image` where the header is cut off
 *   or says nonsense
 */
export function readHeader(bytes: Uint8Array): ImageHeader {
  if (bytes.length === 0) throw new MienError('empty_input', 'The image is empty (0 bytes).');
  const type = sniffType(bytes);
  if (!type) {
    throw new MienError('unsupported_media_type', 'The image is neither a JPEG, a PNG nor a WebP.', {
      details: { supported: ['image/jpeg', 'image/png', 'image/webp'] },
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let size: [number, number];
  try {
    size = { jpeg: jpegSize, png: pngSize, webp: webpSize }[type](bytes, view);
  } catch (cause) {
    // DataView throws a RangeError where the file ends early.
    if (MienError.is(cause)) throw cause;
    throw new MienError('invalid_image', `The ${type} header is cut off or corrupt.`, { cause });
  }
  const [width, height] = size;
  if (width < 1 || height < 1) {
    throw new MienError('invalid_image', `The ${type} header gives a size of ${width} x ${height}.`);
  }
  return { type, width, height };
}

function pngSize(bytes: Uint8Array, view: DataView): [number, number] {
  if (fourCharacters(bytes, 12) !== 'IHDR') throw new RangeError('IHDR is not the first chunk');
  return [view.getUint32(16), view.getUint32(20)];
}

/**
 * The marker segments of a JPEG (ITU T.81, B.1.1), to the first scan: each one's marker, and where its length stands. They
 * are found exactly as libjpeg finds them, so that no other frame header is seen here than there: bytes that are no marker,
 * FF 00 among them, are skipped.
 *
 * @throws RangeError where the file ends before, or has a marker that is none
 */
function* segments(view: DataView): Generator<{ marker: number; at: number }> {
  let at = 2;
  for (;;) {
    while (view.getUint8(at) !== 0xff) at++;
    while (view.getUint8(at) === 0xff) at++;
    const marker = view.getUint8(at++);
    if (marker === 0x00 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) continue; // nothing follows these
    if (marker < 0xc0 || marker === 0xd8) throw new RangeError(`marker ${marker} at byte ${at}`);
    yield { marker, at };
    if (marker === 0xda || marker === 0xd9) return;
    at += view.getUint16(at);
  }
}

const isFrameHeader = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** The size in the frame header (ITU T.81, B.2.2). */
function jpegSize(_bytes: Uint8Array, view: DataView): [number, number] {
  for (const { marker, at } of segments(view)) {
    if (!isFrameHeader(marker)) continue;
    if (view.getUint8(at + 7) === 4) {
      throw new MienError('invalid_image', 'The JPEG is in CMYK; only grey and colour JPEGs are decoded.');
    }
    return [view.getUint16(at + 5), view.getUint16(at + 3)];
  }
  throw new RangeError('no frame header before the scan');
}

/**
 * Whether an end follows the first scan of a JPEG: bytes of a scan never look like one, whatever comes after it is ignored.
 *
 * @throws RangeError where there is no scan
 */
export function jpegEnds(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let scan = 0;
  for (const { at } of segments(view)) scan = at;
  for (let at = bytes.indexOf(0xff, scan); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    if (bytes[at + 1] === 0xd9) return true;
  }
  return false;
}

/** The bit of VP8X's flags. */
const ANIMATED = 0b10;

/** RFC 9649: the size stands in the first chunk, in a layout of its own for each kind. */
function webpSize(bytes: Uint8Array, view: DataView): [number, number] {
  const chunk = fourCharacters(bytes, 12);
  if (view.getUint32(4, true) + 8 > bytes.length) throw new RangeError('shorter than its RIFF size');
  if (chunk === 'VP8X') {
    if (view.getUint8(20) & ANIMATED) {
      throw new MienError('invalid_image', 'It is an animated WebP; only still pictures are decoded.');
    }
    const uint24 = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 65536;
    return [uint24(24) + 1, uint24(27) + 1];
  }
  if (chunk === 'VP8L') {
    const bits = view.getUint32(21, true);
    return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
  }
  if (chunk === 'VP8 ') return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
  throw new RangeError(`unknown first chunk ${JSON.stringify(chunk)}`);
}
