import { fourCharacters, type ImageType, jpegHeader } from './header.js';

/** EXIF orientation: 1 is upright; 2, 4, 5, 7 are mirrored; 3, 6, 8 turned by 180, 90, 270 degrees clockwise. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;

/**
 * The orientation that the file's EXIF block asks for: JPEG APP1, PNG `eXIf` chunk, WebP `EXIF` chunk.
 * A missing or broken block means 1, never an error: people's photos come with all sorts of metadata.
 */
export function readOrientation(bytes: Uint8Array, type: ImageType): Orientation {
  try {
    const tiff = exifOf(bytes, type);
    return tiff ? orientationOfTiff(viewOf(tiff)) : 1;
  } catch {
    return 1; // a RangeError of DataView: an offset points past the end
  }
}

/**
 * The TIFF block of a file's EXIF, a view of the file's bytes; undefined where it has none.
 * @throws RangeError where the file ends early
 */
export const exifOf = (bytes: Uint8Array, type: ImageType): Uint8Array | undefined =>
  ({ jpeg: exifOfJpeg, png: exifOfPng, webp: exifOfWebp })[type](bytes, viewOf(bytes));

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Skips the "Exif\0\0" that JPEG demands before the TIFF block and some writers leave in WebP. */
function afterExifMark(block: Uint8Array): Uint8Array | undefined {
  const marked = fourCharacters(block, 0) === 'Exif' && block[4] === 0 && block[5] === 0;
  return marked ? block.subarray(6) : undefined;
}

function exifOfJpeg(bytes: Uint8Array, view: DataView): Uint8Array | undefined {
  for (const { marker, at } of jpegHeader(bytes)) {
    const tiff = marker === 0xe1 && afterExifMark(bytes.subarray(at + 2, at + view.getUint16(at)));
    if (tiff) return tiff; // otherwise XMP, which shares APP1
  }
  return undefined;
}

function exifOfPng(bytes: Uint8Array, view: DataView): Uint8Array | undefined {
  let offset = 8;
  while (offset + 8 <= bytes.length) {
    const length = view.getUint32(offset);
    if (fourCharacters(bytes, offset + 4) === 'eXIf') return bytes.subarray(offset + 8, offset + 8 + length);
    offset += 12 + length;
  }
  return undefined;
}

function exifOfWebp(bytes: Uint8Array, view: DataView): Uint8Array | undefined {
  let offset = 12;
  while (offset + 8 <= bytes.length) {
    const length = view.getUint32(offset + 4, true);
    if (fourCharacters(bytes, offset) === 'EXIF') {
      const block = bytes.subarray(offset + 8, offset + 8 + length);
      return afterExifMark(block) ?? block;
    }
    offset += 8 + length + (length % 2); // chunks are padded to even sizes
  }
  return undefined;
}

/** TIFF 6.0: byte order, 42, the offset of the first directory, whose entries take 12 bytes each. */
function orientationOfTiff(view: DataView): Orientation {
  const little = view.getUint16(0) === 0x4949;
  if (!little && view.getUint16(0) !== 0x4d4d) return 1;
  const directory = view.getUint32(4, little);
  const entries = view.getUint16(directory, little);
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + entry * 12;
    if (view.getUint16(at, little) !== ORIENTATION_TAG) continue;
    const value = view.getUint16(at + 8, little);
    return view.getUint16(at + 2, little) === SHORT && value >= 1 && value <= 8 ? (value as Orientation) : 1;
  }
  return 1;
}
