import { convolve, type Packing, type Window } from './convolution.js';
import type { Kernel } from './memory.js';

const ROW = { stride: 1, columns: [0, 1], dilation: [1, 1] } as const;
/** The windows of a transposed convolution's even and odd output rows (transposed.ts). */
const EVEN: Window = { ...ROW, kernel: [1, 2], rows: [0, 0] };
const ODD: Window = { ...ROW, kernel: [2, 2], rows: [0, 1] };

/** A transposed convolution of stride 2, bias, ReLU: even and odd rows are written where they belong. */
export const upsample: Kernel<'even' | 'odd' | 'scratch', { even: Packing; odd: Packing }> = {
  name: 'MienUpsample',
  shapeOf: ([count, height, width], { even }) => [
    count as number,
    2 * (height as number),
    2 * (width as number),
    even.outputs / 2,
  ],
  compute(module, at, x, packed) {
    const [, height, width] = x as [number, number, number];
    // A cell of either convolution is two neighbours of an output row; even and odd rows take turns.
    const row = width * packed.even.outputs;
    const steps = { rowStep: 2 * row, cellStep: packed.even.outputs, pictureStep: 2 * height * row };
    const rows = [
      { filters: at.even, packing: packed.even, window: EVEN, out: at.out },
      { filters: at.odd, packing: packed.odd, window: ODD, out: at.out + 4 * row },
    ];
    for (const { filters, packing, window, out } of rows)
      convolve(
        module,
        { x: at.x, filters, scratch: at.scratch },
        x,
        { ...packing, window, rectified: true },
        { out, ...steps },
      );
  },
};
