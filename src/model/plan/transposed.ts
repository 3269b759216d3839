import { type Conv, tapOf } from './fold.js';

/**
 * A 3×3 transposed convolution of stride 2 (output row y takes input row i through kernel row y + 1 − 2i), split by
 * output rows. Even rows see one input row, odd rows two; each convolution gives the two column phases side by side
 * as channels, so whole rows interleave without moving single cells.
 */
export interface RowSplit {
  /** 1×2 over the input padded by one column on the right; outputs [even columns, odd columns]. */
  even: Conv;
  /** 2×2 over the input padded by one row below and one column on the right; outputs likewise. */
  odd: Conv;
}

/** Kernel rows (or columns) that an output of a phase takes from the cell itself and from the next one; −1 is none. */
const PHASES = [
  [1, -1],
  [2, 0],
] as const;

function phase(conv: Conv, row: 0 | 1): Conv {
  const [, , inputs, outputs] = conv.shape;
  const height = row + 1;
  const kernel = new Float32Array(height * 2 * inputs * 2 * outputs);
  for (let dy = 0; dy < height; dy++)
    for (let dx = 0; dx < 2; dx++)
      for (const column of [0, 1] as const) {
        const [ky, kx] = [PHASES[row][dy as 0 | 1], PHASES[column][dx as 0 | 1]];
        if (ky < 0 || kx < 0) continue;
        const tap = tapOf(conv, ky, kx);
        for (let i = 0; i < inputs; i++)
          kernel.set(
            tap.subarray(i * outputs, (i + 1) * outputs),
            ((dy * 2 + dx) * inputs + i) * 2 * outputs + column * outputs,
          );
      }
  return {
    shape: [height, 2, inputs, 2 * outputs],
    kernel,
    bias: Float32Array.of(...conv.bias, ...conv.bias),
  };
}

export const splitRows = (conv: Conv): RowSplit => ({ even: phase(conv, 0), odd: phase(conv, 1) });

/**
 * The average over the grid of a 3×3 transposed convolution of stride 2, as one matrix. The average is linear in four
 * sums of the input: over all cells, without the first row, without the first column, without both (kernel row 0 would
 * write above the output from the first row, so that row has no part in it; likewise for columns).
 */
export interface FoldedTail {
  /** float32 [4 · inputs, outputs], for those four sums in that order. */
  matrix: Float32Array;
  bias: Float32Array;
}

/** @param grid side of the input, cells */
export function foldTail(conv: Conv, grid: number): FoldedTail {
  const [, , inputs, outputs] = conv.shape;
  const matrix = new Float32Array(4 * inputs * outputs);
  for (let y = 0; y < 3; y++)
    for (let x = 0; x < 3; x++) {
      const sum = Number(y === 0) + 2 * Number(x === 0);
      // Over the output's cells, four times the input's.
      tapOf(conv, y, x).forEach((value, i) => {
        const at = sum * inputs * outputs + i;
        matrix[at] = (matrix[at] as number) + value / (4 * grid * grid);
      });
    }
  return { matrix, bias: conv.bias };
}
