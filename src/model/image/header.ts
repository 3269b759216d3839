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

const SCAN = 0xda;
const END = 0xd9;

/**
 * The marker segments of a JPEG (ITU T.81, B.1.1), to its end: each one's marker, and where its length stands. They are
 * found exactly as libjpeg finds them, so that no other frame header is seen here than there: bytes that are no marker,
 * FF 00 and what is coded in a scan among them, are skipped.
 *
 * @throws RangeError where the file ends before, or has a marker that is none
 */
function* jpegSegments(bytes: Uint8Array): Generator<{ marker: number; at: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 2;
  for (;;) {
    at = bytes.indexOf(0xff, at);
    if (at < 0) throw new RangeError('no end of the image');
    while (view.getUint8(at) === 0xff) at++;
    const marker = view.getUint8(at++);
    if (marker === 0x00 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) continue; // nothing follows these
    if (marker < 0xc0 || marker === 0xd8) throw new RangeError(`marker ${marker} at byte ${at}`);
    yield { marker, at };
    if (marker === END) return;
    at += view.getUint16(at);
  }
}

/** The segments before the first scan: what a JPEG says of itself. */
export function* jpegHeader(bytes: Uint8Array): ReturnType<typeof jpegSegments> {
  for (const segment of jpegSegments(bytes)) {
    if (segment.marker === SCAN) return;
    yield segment;
  }
}

const isFrameHeader = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** The size in the frame header (ITU T.81, B.2.2). */
function jpegSize(bytes: Uint8Array, view: DataView): [number, number] {
  for (const { marker, at } of jpegHeader(bytes)) {
    if (!isFrameHeader(marker)) continue;
    if (view.getUint8(at + 7) === 4) {
      throw new MienError('invalid_image', 'The JPEG is in CMYK; only grey and colour JPEGs are decoded.');
    }
    return [view.getUint16(at + 5), view.getUint16(at + 3)];
  }
  throw new RangeError('no frame header before the scan');
}

/**
 * How many scans a JPEG has before its end; whatever comes after that is ignored.
 *
 * @throws RangeError where it has no end
 */
export function jpegScans(bytes: Uint8Array): number {
  let scans = 0;
  for (const { marker } of jpegSegments(bytes)) if (marker === SCAN) scans++;
  return scans;
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
