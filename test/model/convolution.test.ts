// The whole of tfjs: it is what registers the gradients.
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { convolve, type Dilation } from '../../src/model/convolution.js';
import { randomNumbers } from '../support/random.js';

const random = randomNumbers(9);
const tensor = (...shape: [number, number, number, number]) =>
  tf.tensor4d(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random()),
    shape,
  );
const largest = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** [count, reach]: row i has its one at i · step. */
function places(count: number, step: number): tf.Tensor2D {
  const reach = (count - 1) * step + 1;
  return tf.tensor2d(
    Array.from({ length: count * reach }, (_, at) => Number(at % reach === Math.floor(at / reach) * step)),
    [count, reach],
  );
}

/** The same convolution with zeros written between the taps, which tfjs can differentiate itself. */
function spreadOut(x: tf.Tensor4D, weight: tf.Tensor4D, [down, across]: Dilation): tf.Tensor4D {
  const [height, width, inputs, outputs] = weight.shape;
  const [rows, columns] = [places(height, down), places(width, across)];
  const wide = tf.matMul(rows, tf.reshape(weight, [height, -1]), true);
  const byColumn = tf.transpose(tf.reshape(wide, [-1, width, inputs * outputs]), [1, 0, 2]);
  const tall = tf.matMul(columns, tf.reshape(byColumn, [width, -1]), true);
  const spread = tf.transpose(tf.reshape(tall, [columns.shape[1], -1, inputs, outputs]), [1, 0, 2, 3]);
  return tf.conv2d(x, spread as tf.Tensor4D, 1, 'valid');
}

describe('convolve', () => {
  it.each<[string, [number, number], Dilation]>([
    ['3×1', [3, 1], [2, 1]],
    ['1×3', [1, 3], [1, 4]],
    ['3×3', [3, 3], [3, 2]],
  ])('has the value and the gradients of a %s kernel with zeros between its taps', (_, kernel, dilation) => {
    const x = tensor(2, 11, 12, 3);
    const weight = tensor(...kernel, 3, 5);
    const loss = (f: typeof convolve) => (a: tf.Tensor, w: tf.Tensor) =>
      tf.sum(tf.square(f(a as tf.Tensor4D, w as tf.Tensor4D, dilation)));
    const ours = tf.valueAndGrads(loss(convolve))([x, weight]);
    const theirs = tf.valueAndGrads(loss(spreadOut))([x, weight]);
    expect(largest(ours.value, theirs.value)).toBeLessThan(1e-3);
    ours.grads.forEach((gradient, i) => {
      expect(gradient.shape).toEqual(theirs.grads[i]?.shape);
      expect(largest(gradient, theirs.grads[i] as tf.Tensor)).toBeLessThan(1e-3);
    });
    // The control: another dilation gives other gradients.
    const other = tf.grads((a, w) => tf.sum(tf.square(convolve(a as tf.Tensor4D, w as tf.Tensor4D, [1, 1]))))(
      [x, weight],
    );
    expect(largest(other[1] as tf.Tensor, theirs.grads[1] as tf.Tensor)).toBeGreaterThan(1);
  });
});
