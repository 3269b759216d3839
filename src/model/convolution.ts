import * as tf from '@tensorflow/tfjs-core';

/** Rows and columns between a kernel's taps. */
export type Dilation = [rows: number, columns: number];

const pad = (x: tf.Tensor4D, rows: number, columns: number): tf.Tensor4D =>
  rows + columns === 0
    ? x
    : tf.pad(x, [
        [0, 0],
        [rows, rows],
        [columns, columns],
        [0, 0],
      ]);

/** What one kernel tap is multiplied with, for every output cell: x from (row, column) on, as [n · h · w, channels]. */
function view(x: tf.Tensor4D, grid: tf.Tensor4D, row: number, column: number, stride: number): tf.Tensor2D {
  const [n, height, width] = grid.shape;
  const end = [n, row + (height - 1) * stride + 1, column + (width - 1) * stride + 1, x.shape[3]];
  const window =
    stride === 1
      ? tf.slice(x, [0, row, column, 0], [n, height, width, x.shape[3]])
      : tf.stridedSlice(x, [0, row, column, 0], end, [1, stride, stride, 1]);
  return tf.reshape(window, [n * height * width, x.shape[3]]);
}

/** dL/dw: for every tap, its view of the input times dL/dy. */
function weightGradient(
  x: tf.Tensor4D,
  shape: tf.Tensor4D['shape'],
  dy: tf.Tensor4D,
  [down, across]: Dilation,
  stride: number,
): tf.Tensor4D {
  const [height, width, , outputs] = shape;
  const flat = tf.reshape(dy, [-1, outputs]) as tf.Tensor2D;
  const taps: tf.Tensor2D[] = [];
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      taps.push(view(x, dy, row * down, column * across, stride));
  // All taps in one product, [taps · inputs, outputs]; transposed apart, since wasm's products of transposed are slow.
  return tf.reshape(tf.matMul(tf.transpose(tf.concat(taps, 1)), flat), shape);
}

/** dL/dx: dL/dy, padded to where every tap reached, convolved with the mirrored kernel whose channels change places. */
function inputGradient(weight: tf.Tensor4D, dy: tf.Tensor4D, dilation: Dilation): tf.Tensor4D {
  const padded = pad(dy, (weight.shape[0] - 1) * dilation[0], (weight.shape[1] - 1) * dilation[1]);
  const mirrored = tf.transpose(tf.reverse(weight, [0, 1]), [0, 1, 3, 2]);
  return tf.conv2d(padded, mirrored, 1, 'valid', 'NHWC', dilation);
}

type Pair = [x: tf.Tensor4D, weight: tf.Tensor4D];

/** An operation of an input and a kernel with gradients of its own. */
function withGradients(
  value: (...pair: Pair) => tf.Tensor4D,
  gradients: (dy: tf.Tensor4D, ...pair: Pair) => Pair,
): (...pair: Pair) => tf.Tensor4D {
  return (x, weight) =>
    tf.customGrad((...inputs: (tf.Tensor | tf.GradSaveFunc)[]) => {
      const [input, kernel, save] = inputs as [...Pair, tf.GradSaveFunc];
      save([input, kernel]);
      return {
        value: value(input, kernel),
        gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradients(dy as tf.Tensor4D, ...(saved as Pair)),
      };
    })(x, weight) as tf.Tensor4D;
}

/**
 * A convolution of stride 1 without padding, with gradients of its own: tfjs has none where taps are dilated, and where
 * it has some, its cpu backend computes the kernel's one number at a time and its wasm backend not at all.
 * @param x float32 [n, h, w, inputs]
 * @param weight float32 [kernel height, kernel width, inputs, outputs]
 * @returns float32 [n, h − (kernel height − 1) · rows, w − (kernel width − 1) · columns, outputs]
 */
export function convolve(x: tf.Tensor4D, weight: tf.Tensor4D, dilation: Dilation): tf.Tensor4D {
  return withGradients(
    (input, kernel) => tf.conv2d(input, kernel, 1, 'valid', 'NHWC', dilation),
    (dy, input, kernel) => [
      inputGradient(kernel, dy, dilation),
      weightGradient(input, kernel.shape, dy, dilation, 1),
    ],
  )(x, weight);
}

/**
 * A 3×3 convolution of stride 2 and padding 1, with gradients of its own.
 * @param x float32 [n, h, w, inputs], h and w even
 * @param weight float32 [3, 3, inputs, outputs]
 * @returns float32 [n, h / 2, w / 2, outputs]
 */
export function convolveHalving(x: tf.Tensor4D, weight: tf.Tensor4D): tf.Tensor4D {
  return withGradients(
    (input, kernel) => tf.conv2d(pad(input, 1, 1), kernel, 2, 'valid'),
    (dy, input, kernel) => [
      tf.conv2dTranspose(dy, kernel, input.shape, 2, 1, 'floor'),
      weightGradient(pad(input, 1, 1), kernel.shape, dy, [1, 1], 2),
    ],
  )(x, weight);
}

/**
 * A 3×3 transposed convolution of stride 2, with gradients of its own: output row y comes from input row i through
 * kernel row y + 1 − 2i. It is the adjoint of convolveHalving, whose operations its gradients are.
 * @param x float32 [n, h, w, inputs]
 * @param weight float32 [3, 3, outputs, inputs]
 * @returns float32 [n, 2h, 2w, outputs]
 */
export function convolveDoubling(x: tf.Tensor4D, weight: tf.Tensor4D): tf.Tensor4D {
  const [n, height, width] = x.shape;
  return withGradients(
    (input, kernel) =>
      tf.conv2dTranspose(input, kernel, [n, 2 * height, 2 * width, kernel.shape[2]], 2, 1, 'floor'),
    (dy, input, kernel) => [
      tf.conv2d(pad(dy, 1, 1), kernel, 2, 'valid'),
      weightGradient(pad(dy, 1, 1), kernel.shape, input, [1, 1], 2),
    ],
  )(x, weight);
}
