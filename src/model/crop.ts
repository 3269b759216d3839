import { CROP_SIZE } from './architecture.js';
import type { Face } from './face.js';
import { type Frame, frameOf, poseOf } from './frame.js';
import { FRAMING } from './framing.js';
import type { Raster } from './image/raster.js';

/*
 * The crop is the contract: uint8 [48, 48], grey, row major. Every runtime and the training stage make it
 * by this code, byte for byte, so positions are integers of 1/65536 pixel and sums are exact integers.
 */

const ONE = 65536;
/** Most samples along one side of a crop's pixel: beyond, 256 samples a pixel are average enough. */
const MOST_SAMPLES = 16;

/** BT.601 luma of the pixel at byte `at`, 0 to 255; the weights sum to 65536, so grey stays what it is. */
function luma(data: Raster['data'], at: number): number {
  const red = data[at] as number;
  const green = data[at + 1] as number;
  const blue = data[at + 2] as number;
  return (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
}

/**
 * One face as the network sees it: level, framed as FER2013 frames faces, grey.
 *
 * @returns 2,304 bytes
 * @example
 * const crops = detector.detect(raster).map((face) => cropFace(raster, face));
 */
export function cropFace(raster: Raster, face: Face): Uint8Array {
  return sampleFrame(raster, frameOf(poseOf(face, raster.width, raster.height), FRAMING));
}

/**
 * Averages a turned square of the raster to 48 x 48: `perSide` x `perSide` bilinear samples a pixel, no
 * further apart than the raster's pixels, so that nothing is skipped in
 * squares of up to MOST_SAMPLES x 48 pixels. Beyond the raster its edge goes on.
 */
export function sampleFrame(raster: Raster, frame: Frame): Uint8Array {
  const perSide = Math.min(MOST_SAMPLES, Math.max(1, Math.ceil(frame.side / CROP_SIZE)));
  const samples = perSide * CROP_SIZE;
  const centreX = Math.round(frame.x * ONE);
  const centreY = Math.round(frame.y * ONE);
  // Half a step between samples, so that odd multiples of it reach every sample from the centre.
  const halfX = Math.round((frame.acrossX * frame.side * ONE) / (2 * samples));
  const halfY = Math.round((frame.acrossY * frame.side * ONE) / (2 * samples));

  const sums = new Float64Array(CROP_SIZE * CROP_SIZE);
  for (let row = 0; row < samples; row++) {
    const down = 2 * row - samples + 1;
    const line = Math.floor(row / perSide) * CROP_SIZE;
    for (let column = 0; column < samples; column++) {
      const across = 2 * column - samples + 1;
      const cell = line + Math.floor(column / perSide);
      const x = centreX + across * halfX - down * halfY;
      const y = centreY + across * halfY + down * halfX;
      sums[cell] = (sums[cell] as number) + bilinear(raster, x, y);
    }
  }
  const unit = ONE * perSide * perSide;
  return Uint8Array.from(sums, (sum) => Math.floor((sum + unit / 2) / unit));
}

/** Luma at a place in 1/65536 pixels, times 65536: an exact integer. */
function bilinear({ data, width, height }: Raster, x: number, y: number): number {
  const left = Math.floor((x - ONE / 2) / ONE);
  const top = Math.floor((y - ONE / 2) / ONE);
  // Eight bits of weight, as many as the samples have.
  const right = Math.floor((x - ONE / 2 - left * ONE) / 256);
  const below = Math.floor((y - ONE / 2 - top * ONE) / 256);
  const x0 = Math.min(width - 1, Math.max(0, left)) * 4;
  const x1 = Math.min(width - 1, Math.max(0, left + 1)) * 4;
  const y0 = Math.min(height - 1, Math.max(0, top)) * width * 4;
  const y1 = Math.min(height - 1, Math.max(0, top + 1)) * width * 4;
  return (
    (luma(data, y0 + x0) * (256 - right) + luma(data, y0 + x1) * right) * (256 - below) +
    (luma(data, y1 + x0) * (256 - right) + luma(data, y1 + x1) * right) * below
  );
}

/**
 * For pictures that are a face already: the centre square, averaged by area to 48 x 48. A grey 48 x 48
 * picture, such as FER2013's, passes byte for byte.
 *
 * @returns 2,304 bytes
 */
export function cropWhole(raster: Raster): Uint8Array {
  const side = Math.min(raster.width, raster.height);
  const startX = Math.floor((raster.width - side) / 2);
  const startY = Math.floor((raster.height - side) / 2);
  const taps = areaTaps(side);
  const crop = new Uint8Array(CROP_SIZE * CROP_SIZE);
  for (let cell = 0; cell < crop.length; cell++) {
    const rows = taps[Math.floor(cell / CROP_SIZE)] as AreaTaps;
    const columns = taps[cell % CROP_SIZE] as AreaTaps;
    let sum = 0;
    rows.weights.forEach((rowWeight, row) => {
      let at = ((startY + rows.first + row) * raster.width + startX + columns.first) * 4;
      let rowSum = 0;
      for (const weight of columns.weights) {
        rowSum += luma(raster.data, at) * weight;
        at += 4;
      }
      sum += rowSum * rowWeight;
    });
    crop[cell] = Math.floor((sum + (side * side) / 2) / (side * side));
  }
  return crop;
}

interface AreaTaps {
  first: number;
  weights: number[];
}

/** How much of each of `side` source pixels falls on each crop pixel, in 1/48 source pixels: integers. */
function areaTaps(side: number): AreaTaps[] {
  return Array.from({ length: CROP_SIZE }, (_, cell) => {
    const begin = cell * side;
    const end = begin + side;
    const first = Math.floor(begin / CROP_SIZE);
    const weights: number[] = [];
    for (let at = first; at * CROP_SIZE < end; at++) {
      weights.push(Math.min(end, (at + 1) * CROP_SIZE) - Math.max(begin, at * CROP_SIZE));
    }
    return { first, weights };
  });
}
