import type { Conv } from '../fold.js';
import { convolve, inTurn, outputGrid, type Packing, type Window } from './convolution.js';
import { type Kernel, LANES } from './memory.js';

/** A 3×3 convolution of stride 2 and padding 1. */
const HALVING: Window = { kernel: [3, 3], stride: 2, rows: [1, 1], columns: [1, 1], dilation: [1, 1] };

/** Whether what the convolution is filled up with lies under pooled channels. */
export const fitsDownsample = ({ shape: [, , inputs, outputs] }: Conv): boolean =>
  Math.ceil(outputs / LANES) * LANES <= inputs + outputs;

/** A convolution of stride 2, and behind its channels the pooled input's, scaled and shifted; ReLU. */
export const downsample: Kernel<'filters' | 'norm' | 'scratch', Packing & { channels: number }> = {
  name: 'MienDownsample',
  shapeOf: (x, { channels }) => [x[0] as number, ...outputGrid(x, HALVING), channels],
  compute(module, at, x, { channels, ...packing }) {
    const [count, inHeight, inWidth, inputs] = x as [number, number, number, number];
    const [height, width] = outputGrid(x, HALVING);
    const target = inTurn(at.out, [height, width], channels);
    convolve(module, at, x, { ...packing, window: HALVING, rectified: true }, target);
    for (let n = 0; n < count; n++)
      module.pool(
        at.x + 4 * n * inHeight * inWidth * inputs,
        at.out + 4 * (n * target.pictureStep + channels - inputs),
        at.norm,
        ...[height, width, inputs, channels],
      );
  },
};
