import { CROP_BYTES, CROP_SIZE } from '../../src/model/architecture.js';
import { sampleFrame } from '../../src/model/crop.js';

/**
 * Test-time averaging: the scores of several views of a face are averaged. `flip` takes the crop and its mirror image,
 * `ten-crop` the four corners and the middle, each with its mirror image (Krizhevsky et al. 2012, section 4.1). What is
 * served takes one view, so what is published is measured without.
 */
export const TTA = ['none', 'flip', 'ten-crop'] as const;
export type Tta = (typeof TTA)[number];

/** Of the ten views, in the crop's pixels: the usual one for FER2013, 44 of 48. */
const VIEW = 44;

/**
 * The views that are averaged.
 * @param crops uint8 [n, 48, 48]
 * @returns each uint8 [n, 48, 48]
 */
export function views(crops: Uint8Array, tta: Tta): Uint8Array[] {
  if (tta === 'none') return [crops];
  const upright = tta === 'flip' ? [crops] : windows().map((window) => each(crops, window));
  return upright.flatMap((view) => [view, each(view, mirrored)]);
}

function each(crops: Uint8Array, change: (crop: Uint8Array) => Uint8Array): Uint8Array {
  const out = new Uint8Array(crops.length);
  for (let at = 0; at < crops.length; at += CROP_BYTES)
    out.set(change(crops.subarray(at, at + CROP_BYTES)), at);
  return out;
}

const mirrored = (crop: Uint8Array) =>
  crop.map((_, at) => crop[at - (at % CROP_SIZE) + CROP_SIZE - 1 - (at % CROP_SIZE)] as number);

/** The five windows, each enlarged to a crop again, by the code that makes crops. */
function windows(): ((crop: Uint8Array) => Uint8Array)[] {
  const [near, middle, far] = [VIEW / 2, CROP_SIZE / 2, CROP_SIZE - VIEW / 2];
  const centres = [
    [middle, middle],
    [near, near],
    [far, near],
    [near, far],
    [far, far],
  ] as const;
  return centres.map(
    ([x, y]) =>
      (crop) =>
        sampleFrame(rasterOf(crop), { x, y, side: VIEW, acrossX: 1, acrossY: 0 }),
  );
}

function rasterOf(crop: Uint8Array) {
  const data = new Uint8ClampedArray(crop.length * 4).fill(255);
  crop.forEach((value, at) => {
    data.fill(value, at * 4, at * 4 + 3);
  });
  return { width: CROP_SIZE, height: CROP_SIZE, data };
}
