import { CROP_SIZE } from '../../../../src/model/architecture.js';
import type { Configuration } from '../../config.js';
import type { Random } from './random.js';

type Options = Configuration['augmentation'];

/** float32 [side, side], 0 to 255. */
type Picture = Float32Array;

/**
 * Augments crops as torch/augment.py does: the same changes in the same ranges, other draws.
 *
 * @param crops uint8 [n, 48, 48]
 * @returns float32 [n, side, side], 0 to 255
 */
export function augment(crops: Uint8Array, side: number, options: Options, random: Random): Float32Array {
  const size = CROP_SIZE * CROP_SIZE;
  const out = new Float32Array((crops.length / size) * side * side);
  for (let at = 0; at < crops.length / size; at++) {
    const picture = out.subarray(at * side * side, (at + 1) * side * side);
    warp(crops.subarray(at * size, (at + 1) * size), picture, side, options, random);
    light(picture, options, random);
    erase(picture, side, options, random);
  }
  return out;
}

/** Turned, scaled, shifted, flipped and enlarged in one bilinear sampling; beyond the crop its edge goes on. */
function warp(crop: Uint8Array, out: Picture, side: number, options: Options, random: Random): void {
  const angle = (random.uniform(-1, 1) * options.rotation * Math.PI) / 180;
  const zoom = Math.exp(random.uniform(-1, 1) * Math.log1p(options.scale));
  const [shiftX, shiftY] = [random.uniform(-2, 2) * options.shift, random.uniform(-2, 2) * options.shift];
  const flipX = random.uniform() < options.horizontalFlip ? -1 : 1;
  const flipY = random.uniform() < options.verticalFlip ? -1 : 1;
  const [cos, sin] = [Math.cos(angle) * zoom, Math.sin(angle) * zoom];
  for (let row = 0; row < side; row++) {
    const y = (2 * row + 1) / side - 1;
    for (let column = 0; column < side; column++) {
      const x = (2 * column + 1) / side - 1;
      const fromX = cos * flipX * x - sin * flipY * y + shiftX;
      const fromY = sin * flipX * x + cos * flipY * y + shiftY;
      out[row * side + column] = sample(
        crop,
        ((fromX + 1) * CROP_SIZE - 1) / 2,
        ((fromY + 1) * CROP_SIZE - 1) / 2,
      );
    }
  }
}

const inside = (value: number) => Math.min(CROP_SIZE - 1, Math.max(0, value));

// The helper stands outside: tsx names every function anew each time that it is made, which took four fifths of the time.
function sample(crop: Uint8Array, x: number, y: number): number {
  const [atX, atY] = [inside(x), inside(y)];
  const [left, top] = [Math.floor(atX), Math.floor(atY)];
  const [right, below] = [inside(left + 1), inside(top + 1)];
  const [upper, lower] = [top * CROP_SIZE, below * CROP_SIZE];
  const across = atX - left;
  const above = (crop[upper + left] as number) * (1 - across) + (crop[upper + right] as number) * across;
  const under = (crop[lower + left] as number) * (1 - across) + (crop[lower + right] as number) * across;
  return above * (1 - (atY - top)) + under * (atY - top);
}

const mean = (picture: Picture) => picture.reduce((sum, value) => sum + value, 0) / picture.length;

/** Brightness: a share of 255 added. Contrast: a ratio about the picture's mean. */
function light(picture: Picture, options: Options, random: Random): void {
  const middle = mean(picture);
  const contrast = Math.exp(random.uniform(-1, 1) * Math.log1p(options.contrast));
  const brightness = random.uniform(-255, 255) * options.brightness;
  picture.forEach((value, at) => {
    picture[at] = Math.min(255, Math.max(0, (value - middle) * contrast + middle + brightness));
  });
}

/** Fills a rectangle, 1/8 to 1/2 of the side each way, with the picture's mean. */
function erase(picture: Picture, side: number, options: Options, random: Random): void {
  const [height, width] = [random.uniform(1 / 8, 1 / 2), random.uniform(1 / 8, 1 / 2)];
  const [top, left] = [random.uniform() * (1 - height), random.uniform() * (1 - width)];
  if (random.uniform() >= options.erasing) return;
  const filling = mean(picture);
  const covers = (at: number, from: number, size: number) => at >= from && at < from + size;
  picture.forEach((_, at) => {
    const [row, column] = [(Math.floor(at / side) + 0.5) / side, ((at % side) + 0.5) / side];
    if (covers(row, top, height) && covers(column, left, width)) picture[at] = filling;
  });
}

/** How a batch is mixed: the share of itself that each picture keeps and, of cutmix, the box that it gives up. */
export interface Mixing {
  share: number;
  /** First row, row after the last, first column, column after the last. */
  box?: readonly [number, number, number, number];
}

/** Draws as torch/augment.py's draw_mix: λ of Beta(α, α), once a batch; with both options a coin decides. */
export function drawMixing(side: number, { mixup, cutmix }: Options, random: Random): Mixing | undefined {
  if (mixup === 0 && cutmix === 0) return undefined;
  const cut = mixup === 0 || (cutmix > 0 && random.uniform() < 0.5);
  const share = random.beta(cut ? cutmix : mixup);
  if (!cut) return { share };
  const half = (Math.sqrt(1 - share) * side) / 2;
  const span = (): [number, number] => {
    const at = random.uniform(0, side);
    return [Math.max(0, Math.round(at - half)), Math.min(side, Math.round(at + half))];
  };
  const [[top, bottom], [left, right]] = [span(), span()];
  return {
    share: 1 - ((bottom - top) * (right - left)) / side ** 2,
    box: [top, bottom, left, right],
  };
}

/** Mixes each row of the pictures, [n, side, side], and of their targets with its neighbour's. In place. */
export function mix(
  pictures: Float32Array,
  targets: Float32Array[],
  { share, box }: Mixing,
  count: number,
): void {
  for (const target of targets) blend(target, count, () => share);
  if (!box) {
    blend(pictures, count, () => share);
    return;
  }
  const side = Math.sqrt(pictures.length / count);
  const [top, bottom, left, right] = box;
  blend(pictures, count, (at) => {
    const [row, column] = [Math.floor(at / side), at % side];
    return row >= top && row < bottom && column >= left && column < right ? 0 : 1;
  });
}

/** Each value becomes `share` of itself and the rest of the same place in the other row of its pair. */
function blend(values: Float32Array, count: number, shareAt: (place: number) => number): void {
  const size = values.length / count;
  const before = values.slice();
  values.forEach((value, at) => {
    const row = Math.floor(at / size);
    const share = shareAt(at % size);
    const other = before[at + (row % 2 === 0 ? size : -size)] as number;
    values[at] = share * value + (1 - share) * other;
  });
}
