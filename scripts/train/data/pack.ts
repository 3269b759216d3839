import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inflateSync } from 'node:zlib';
import { PNG } from 'pngjs';
import { CROP_BYTES, CROP_SIZE } from '../../../src/model/architecture.js';
import { MienError } from '../../../src/model/errors.js';
import { sha256 } from '../../lib/files.js';
import { refuseForeign } from '../../lib/own-folder.js';
import { SPLITS, type Split, VOTES } from './fer2013.js';

/** A data set in memory. Row i of each array is one face. */
export interface DataSet {
  /** uint8 [n, 48, 48], grey. */
  images: Uint8Array;
  /** uint8 [n], indices into LABELS. */
  labels: Uint8Array;
  /** uint8 [n], indices into SPLITS. */
  splits: Uint8Array;
  /** uint8 [n], 1 where a test image is byte-identical to a training image. */
  copies: Uint8Array;
  /** uint16 [n], who is in the picture, numbered from 0; absent where that is not known. */
  subjects?: Uint16Array;
  /** uint8 [n, 10], FER+ votes; all zero where there are none. */
  votes: Uint8Array;
}

/** Pictures of a tree that are not in the data set. */
export interface LeftOut {
  /** Those in which no face is found. */
  faceless: number;
  unreadable: number;
}

export interface Index {
  format: 1;
  name: string;
  count: number;
  splits: Record<Split, number>;
  /** Test images byte-identical to a training image. */
  copies: number;
  /** Of trees of files alone; older ones lack it. */
  leftOut?: LeftOut;
  votes: readonly string[];
  /** SHA-256 of the images' raw bytes (before compression), then of each file. */
  images: string;
  files: Record<string, string>;
}

/**
 * SHA-256 of what says which picture teaches what: the hashes of the pictures' bytes (another zlib compresses them
 * otherwise), of the labels and of the splits. torch/data.py has the same.
 */
export const rowsDigest = ({ files, images }: Pick<Index, 'files' | 'images'>): string =>
  sha256([images, files['labels.u8'], files['splits.u8']].join('\n'));

/** Marks the test images that are byte-identical to a training image. */
export function findCopies(images: Uint8Array, splits: Uint8Array): Uint8Array {
  const keys = Array.from(splits, (_, i) => sha256(images.subarray(i * CROP_BYTES, (i + 1) * CROP_BYTES)));
  const training = new Set(keys.filter((_, i) => splits[i] === 0));
  return Uint8Array.from(keys, (key, i) => (splits[i] !== 0 && training.has(key) ? 1 : 0));
}

/** All pictures under one another as one grey PNG, 48 pixels wide: a third smaller than their bytes, and any tool reads it. */
function encodeStrip(images: Uint8Array): Buffer {
  const height = images.length / CROP_SIZE;
  const png = new PNG({ width: 1, height: 1 });
  Object.assign(png, {
    width: CROP_SIZE,
    height,
    data: Buffer.from(images.buffer, images.byteOffset, images.length),
  });
  return PNG.sync.write(png, {
    colorType: 0,
    inputColorType: 0,
    bitDepth: 8,
    filterType: 4,
    deflateLevel: 6,
  });
}

/** encodeStrip's images again: pngjs, which knows every PNG, computes four times as long for FER2013, in 300 MB more. */
function decodeStrip(png: Buffer): Uint8Array {
  const compressed: Buffer[] = [];
  for (let at = 8, length = 0; at < png.length; at += length + 12) {
    length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      compressed.push(png.subarray(at + 8, at + 8 + length));
  }
  // A line has its filter before it, Paeth's in all: made 0, it is what lies left of the line, as an empty line is above.
  const width = 1 + CROP_SIZE;
  const lines = Buffer.concat([Buffer.alloc(width), inflateSync(Buffer.concat(compressed))]);
  const images = new Uint8Array((lines.length / width - 1) * CROP_SIZE);
  for (let line = width, to = 0; line < lines.length; line += width, to += CROP_SIZE) {
    lines[line] = 0;
    for (let at = line + 1; at < line + width; at++) {
      const left = lines[at - 1] as number;
      const above = lines[at - width] as number;
      const corner = lines[at - width - 1] as number;
      const toLeft = Math.abs(above - corner);
      const toAbove = Math.abs(left - corner);
      const toCorner = Math.abs(left + above - 2 * corner);
      const nearest = toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner;
      lines[at] = (lines[at] as number) + nearest;
    }
    images.set(lines.subarray(line + 1, line + width), to);
  }
  return images;
}

/** In every folder of a data set. */
const INDEX = 'index.json';

/** @throws {MienError} `invalid_data` where a folder may not become a data set, since it holds something else */
export function refuseOtherFolder(folder: string): void {
  refuseForeign(folder, INDEX);
  // Other programs call theirs index.json too.
  if (existsSync(join(folder, INDEX)) && !isIndex(folder))
    throw new MienError(
      'invalid_data',
      `${join(folder, INDEX)} is no data set's, so ${folder} is not replaced: give another one.`,
    );
}

function isIndex(folder: string): boolean {
  try {
    return 'images.png' in indexOf(folder).files;
  } catch {
    return false;
  }
}

/**
 * Writes a data set as a folder: images.png, labels.u8, splits.u8, copies.u8, votes.u8 and index.json, which
 * hashes them. The folder is written beside and renamed, so a half-written data set is never seen.
 * @throws {MienError} `invalid_data` where it cannot be written, or would replace a folder that is no data set
 */
export function writeDataSet(out: string, name: string, set: DataSet, leftOut?: LeftOut): Index {
  // A slash at the end would put what is written beside into the folder that is replaced.
  const folder = resolve(out);
  refuseOtherFolder(folder);
  const beside = `${folder}.${process.pid}.part`;
  try {
    rmSync(beside, { recursive: true, force: true });
    mkdirSync(beside, { recursive: true });
    const files = {
      'images.png': encodeStrip(set.images),
      'labels.u8': set.labels,
      'splits.u8': set.splits,
      'copies.u8': set.copies,
      'votes.u8': set.votes,
      ...(set.subjects && { 'subjects.u16': new Uint8Array(set.subjects.buffer) }),
    };
    const count = (code: number) => set.splits.reduce((n, split) => n + Number(split === code), 0);
    const index: Index = {
      format: 1,
      name,
      count: set.labels.length,
      splits: { Training: count(0), PublicTest: count(1), PrivateTest: count(2) },
      copies: set.copies.reduce((a, b) => a + b, 0),
      ...(leftOut && { leftOut }),
      votes: VOTES,
      images: sha256(set.images),
      files: Object.fromEntries(Object.entries(files).map(([file, bytes]) => [file, sha256(bytes)])),
    };
    for (const [file, bytes] of Object.entries(files)) writeFileSync(join(beside, file), bytes);
    writeFileSync(join(beside, INDEX), `${JSON.stringify(index, null, 2)}\n`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(beside, folder);
    return index;
  } catch (cause) {
    rmSync(beside, { recursive: true, force: true });
    throw new MienError('invalid_data', `cannot write ${folder}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Reads what a folder that writeDataSet wrote holds, without reading that.
 * @throws {MienError} `invalid_data` where it is none
 */
export const readIndex = (folder: string): Index => readPacked(folder, () => indexOf(folder));

const indexOf = (folder: string): Index => JSON.parse(readFileSync(join(folder, INDEX), 'utf8'));

/**
 * Reads a folder that writeDataSet wrote.
 * @throws {MienError} `invalid_data` if a file is missing or its hash is not the index's.
 */
export function readDataSet(folder: string): DataSet & { index: Index } {
  return readPacked(folder, () => {
    const index = indexOf(folder);
    const read = (file: string) => {
      const bytes = readFileSync(join(folder, file));
      if (sha256(bytes) !== index.files[file]) throw new Error(`${file} is not the file that was packed`);
      return bytes;
    };
    const images = decodeStrip(read('images.png'));
    if (sha256(images) !== index.images)
      throw new Error('images.png does not hold the images that were packed');
    const [labels, splits, copies, votes] = ['labels.u8', 'splits.u8', 'copies.u8', 'votes.u8'].map(read) as [
      Buffer,
      Buffer,
      Buffer,
      Buffer,
    ];
    const subjects = index.files['subjects.u16']
      ? { subjects: new Uint16Array(new Uint8Array(read('subjects.u16')).buffer) }
      : {};
    return { index, images, labels, splits, copies, votes, ...subjects };
  });
}

function readPacked<T>(folder: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new MienError(
      'invalid_data',
      `${folder} is not a packed data set (npm run prepare-data writes one): ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Crops of rows, one after the other: uint8 [rows, 48, 48]. */
export function cropsOf(images: Uint8Array, rows: ArrayLike<number>): Uint8Array {
  const crops = new Uint8Array(rows.length * CROP_BYTES);
  Array.from(rows).forEach((row, at) => {
    crops.set(images.subarray(row * CROP_BYTES, (row + 1) * CROP_BYTES), at * CROP_BYTES);
  });
  return crops;
}

/** Indices of the rows of some splits, in order. */
export function rowsOf(set: Pick<DataSet, 'splits'>, ...splits: Split[]): number[] {
  const codes = splits.map((split) => SPLITS.indexOf(split));
  return Array.from(set.splits.keys()).filter((i) => codes.includes(set.splits[i] as number));
}
