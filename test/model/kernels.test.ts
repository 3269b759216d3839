import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadAssets } from '../../src/assets/node.js';
import { createBackend } from '../../src/model/backends/index.js';
import type { Conv } from '../../src/model/plan/fold.js';
import { fits, packResidual, residual, scratchLength } from '../../src/model/plan/kernels/residual.js';
import type { DilatedConv } from '../../src/model/plan/planner.js';
import { randomNumbers } from '../support/random.js';

const random = randomNumbers(11);
const numbers = (length: number, scale = 1) => Float32Array.from({ length }, () => random() * scale);

beforeAll(async () => {
  await createBackend('wasm', await loadAssets());
});

function block(channels: number, dilation: number): DilatedConv[] {
  return [false, true, false, true].map((across, i) => {
    const shape: Conv['shape'] = across ? [1, 3, channels, channels] : [3, 1, channels, channels];
    const kernel = numbers(3 * channels * channels, 1 / Math.sqrt(channels));
    const d = i < 2 ? 1 : dilation;
    return {
      conv: { shape, kernel, bias: numbers(channels) },
      dilation: across ? [1, d] : [d, 1],
      groups: 1,
    };
  });
}

/** The block by tfjs's own operations. */
function stock(x: tf.Tensor4D, convs: DilatedConv[]): Float32Array {
  return tf.tidy(() => {
    const y = convs.reduce((value, { conv, dilation }, i) => {
      const filter = tf.tensor4d(conv.kernel, [...conv.shape]);
      const sum = tf.add<tf.Tensor4D>(tf.conv2d(value, filter, 1, 'same', 'NHWC', dilation), conv.bias);
      return i < convs.length - 1 ? tf.relu(sum) : sum;
    }, x);
    return tf.relu(tf.add(x, y)).dataSync<'float32'>();
  });
}

function ours(x: tf.Tensor4D, convs: DilatedConv[], grid: number): Float32Array {
  return tf.tidy(() => {
    const packed = tf.tensor1d(packResidual(convs.map(({ conv }) => conv)));
    // Rubbish in the scratch must not matter.
    const scratch = tf.fill([scratchLength(grid, x.shape[3])], 1e30);
    const dilation = convs[3]?.dilation[1] as number;
    return residual(x, packed, scratch, dilation).dataSync<'float32'>();
  });
}

/** Largest difference as a share of the largest value. */
function difference(a: Float32Array, b: Float32Array): number {
  const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0) / largest;
}

describe('the residual block as one kernel', () => {
  // Grids that leave four, three, two, one and no outputs over, dilations past the grid, lines that fill no tile.
  const cases = [6, 7, 8, 9, 12, 13, 24].flatMap((grid) =>
    [1, 2, 3, 4, 16].flatMap((dilation) =>
      [8, 16, 24].map((channels) => [grid, dilation, channels] as const),
    ),
  );
  it.each(cases)('on a grid of %i, dilation %i, %i channels, two pictures', (grid, dilation, channels) => {
    const convs = block(channels, dilation);
    expect(fits(convs, grid)).toBe(true);
    const x = tf.tensor4d(numbers(2 * grid * grid * channels), [2, grid, grid, channels]);
    const expected = stock(x, convs);
    expect(difference(expected, ours(x, convs, grid))).toBeLessThan(3e-6);
    // The control: a mirrored kernel is seen.
    const kernel = (convs[2] as DilatedConv).conv.kernel;
    const third = kernel.length / 3;
    const mirrored = Float32Array.of(
      ...kernel.subarray(2 * third),
      ...kernel.subarray(third, 2 * third),
      ...kernel.subarray(0, third),
    );
    const wrong = convs.map((c, i) => (i === 2 ? { ...c, conv: { ...c.conv, kernel: mirrored } } : c));
    if (dilation < grid) expect(difference(expected, ours(x, wrong, grid))).toBeGreaterThan(1e-3);
    x.dispose();
  });

  it('is for factorised blocks of full vectors on grids of at least a tile', () => {
    expect(fits(block(8, 1), 5)).toBe(false);
    expect(fits(block(12, 1), 12)).toBe(false);
    expect(fits(block(8, 1).slice(0, 2), 12)).toBe(false);
  });
});
