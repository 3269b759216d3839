import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadAssets } from '../../src/assets/node.js';
import { createBackend } from '../../src/model/backends/index.js';
import { cropFace, cropWhole, sampleFrame } from '../../src/model/crop.js';
import { createFaceDetector, type Face, type FaceDetector } from '../../src/model/face.js';
import { frameOf, poseOf } from '../../src/model/frame.js';
import { FRAMING } from '../../src/model/framing.js';
import { createImageDecoder, type ImageDecoder, type Raster } from '../../src/model/image.js';
import * as pictures from '../support/pictures.js';

let detector: FaceDetector;
let decoder: ImageDecoder;
const photo = pictures.astronaut();

beforeAll(async () => {
  const assets = await loadAssets();
  await createBackend('wasm', assets);
  detector = await createFaceDetector(assets);
  decoder = createImageDecoder(assets.wasm);
});

const onlyFace = (raster: Raster) => detector.detect(raster)[0] as Face;
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const difference = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] as number)), 0) / a.length;

function grey(width: number, height: number, value: (x: number, y: number) => number): Raster {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let at = 0; at < width * height; at++) {
    const level = value(at % width, Math.floor(at / width));
    data.set([level, level, level, 255], at * 4);
  }
  return { width, height, data };
}

describe('the crop is the contract', () => {
  const HASH = '1b58e2aead5ab956f4ce958db41de947b4e52a3ad99af7283f774b55c994eff0';

  test('the photo has the crop it has always had', async () => {
    const raster = await decoder.decode(pictures.astronautBytes());
    expect(hash(cropFace(raster, onlyFace(raster)))).toBe(HASH);
  });

  test('so it has in another process', () => {
    const script = fileURLToPath(new URL('crop-hash.ts', import.meta.url));
    const printed = execFileSync(process.execPath, ['--import', 'tsx', script], { encoding: 'utf8' });
    expect(printed).toBe(HASH);
  });

  test.each([3, 6, 8] as const)('and stored turned, with EXIF orientation %i', async (orientation) => {
    const stored = pictures.encodePng(pictures.storedAs(photo, orientation));
    const raster = await decoder.decode(pictures.pngWithExif(stored, pictures.exifBlock(orientation)));
    expect(hash(cropFace(raster, onlyFace(raster)))).toBe(HASH);
  });
});

describe('cropFace', () => {
  test.each([-20, 20])('levels a face turned by %i degrees', (degrees) => {
    const straight = cropFace(photo, onlyFace(photo));
    const turnedPhoto = pictures.rotated(photo, degrees);
    const face = onlyFace(turnedPhoto);
    const levelled = difference(straight, cropFace(turnedPhoto, face));
    // The control: the same frame, not levelled.
    const pose = { ...poseOf(face, turnedPhoto.width, turnedPhoto.height), acrossX: 1, acrossY: 0 };
    const askew = difference(straight, sampleFrame(turnedPhoto, frameOf(pose, FRAMING)));
    expect(levelled).toBeLessThan(15);
    expect(askew).toBeGreaterThan(1.8 * levelled);
  });

  test('the eyes lie where FER2013 has them', () => {
    const face = onlyFace(photo);
    const frame = frameOf(poseOf(face, photo.width, photo.height), FRAMING);
    const inCrop = (value: number, centre: number) => ((value * 512 - centre) / frame.side + 0.5) * 48;
    const x = inCrop((face.eyes.left.x + face.eyes.right.x) / 2, frame.x);
    const y = inCrop((face.eyes.left.y + face.eyes.right.y) / 2, frame.y);
    // The 10th to 90th percentiles in framing.ts: x 19.9 to 26.7, y 15.4 to 21.6.
    expect(x).toBeGreaterThan(19.9);
    expect(x).toBeLessThan(26.7);
    expect(y).toBeGreaterThan(15.4);
    expect(y).toBeLessThan(21.6);
  });

  test('a face at the edge, beyond it, or with eyes in one point still gives a crop', () => {
    const face = onlyFace(photo);
    const shifted = { ...face, box: { ...face.box, x: -0.1, y: 0.95 } };
    const blind = { ...face, eyes: { left: face.eyes.left, right: face.eyes.left } };
    for (const odd of [shifted, blind]) expect(cropFace(photo, odd)).toHaveLength(2304);
  });
});

describe('sampleFrame', () => {
  const level = { acrossX: 1, acrossY: 0 };

  test.each([1, 2, 5])('a level frame of %i pixels to one is the exact area average', (scale) => {
    const raster = grey(60 * scale, 60 * scale, (x, y) => (x * 31 + y * 17 + x * y) % 256);
    const crop = sampleFrame(raster, { ...level, x: 28 * scale, y: 27 * scale, side: 48 * scale });
    for (let row = 0; row < 48; row++) {
      for (let column = 0; column < 48; column++) {
        let sum = 0;
        for (let y = 0; y < scale; y++)
          for (let x = 0; x < scale; x++)
            sum += raster.data[
              (((row + 3) * scale + y) * 60 * scale + (column + 4) * scale + x) * 4
            ] as number;
        expect(crop[row * 48 + column]).toBe(Math.round(sum / scale / scale));
      }
    }
  });

  test('turned by 90 degrees it is the level one turned, to the byte', () => {
    const raster = grey(200, 200, (x, y) => (x * 5 + y * 3) % 256);
    const straight = sampleFrame(raster, { ...level, x: 100, y: 100, side: 120 });
    const turned = sampleFrame(raster, { x: 100, y: 100, side: 120, acrossX: 0, acrossY: 1 });
    for (let row = 0; row < 48; row++)
      for (let column = 0; column < 48; column++)
        expect(turned[row * 48 + column]).toBe(straight[column * 48 + 47 - row]);
  });

  test('fine stripes average out instead of aliasing, at any angle', () => {
    const raster = grey(900, 900, (x) => (x % 2) * 255);
    const crop = sampleFrame(raster, { x: 450, y: 450, side: 480, acrossX: 0.96, acrossY: 0.28 });
    for (const value of crop) expect(Math.abs(value - 127.5)).toBeLessThan(8);
  });

  test('beyond the raster its edge goes on', () => {
    const crop = sampleFrame(
      grey(10, 10, () => 77),
      { ...level, x: 0, y: 0, side: 100 },
    );
    expect(new Set(crop)).toEqual(new Set([77]));
  });
});

describe('cropWhole', () => {
  test('a grey 48 x 48 picture passes byte for byte', async () => {
    const bytes = Uint8Array.from({ length: 2304 }, (_, at) => (at * 89) % 256);
    const raster = grey(48, 48, (x, y) => bytes[y * 48 + x] as number);
    expect(cropWhole(raster)).toEqual(bytes);
    const decoded = await decoder.decode(pictures.encodePng(raster, { colorType: 0 }));
    expect(cropWhole(decoded)).toEqual(bytes);
  });

  test.each([96, 100, 30])('averages a ramp of %i pixels by area', (side) => {
    const crop = cropWhole(grey(side, side, (x) => (x / side) * 200));
    const source = (x: number) => Math.round((Math.floor(x) / side) * 200);
    for (let column = 0; column < 48; column++) {
      // The mean over [begin, end), by a thousand points: within rounding and a point's share.
      let sum = 0;
      for (let point = 0; point < 1000; point++) sum += source(((column + (point + 0.5) / 1000) * side) / 48);
      expect(Math.abs((crop[column] as number) - sum / 1000)).toBeLessThan(0.6);
    }
  });

  test('takes the centre square of a wide picture, and weighs colours by BT.601', () => {
    const wide = grey(300, 100, (x) => (x >= 100 && x < 200 ? 50 : 255));
    expect(new Set(cropWhole(wide))).toEqual(new Set([50]));
    const colour = (r: number, g: number, b: number) =>
      cropWhole({ width: 1, height: 1, data: Uint8Array.of(r, g, b, 255) })[0];
    expect([colour(255, 0, 0), colour(0, 255, 0), colour(0, 0, 255)]).toEqual([76, 150, 29]);
  });
});
