import * as tf from '@tensorflow/tfjs-core';

/** Rows and columns between a kernel's taps. */
export type Dilation = [rows: number, columns: number];

/** The tap-th view of x: what one kernel tap is multiplied with, for every output cell, as [n · h · w, channels]. */
function view(x: tf.Tensor4D, dy: tf.Tensor4D, row: number, column: number): tf.Tensor2D {
  const [n, height, width] = dy.shape;
  const window = tf.slice(x, [0, row, column, 0], [n, height, width, x.shape[3]]);
  return tf.reshape(window, [n * height * width, x.shape[3]]);
}

/** dL/dw: for every tap, its view of the input times dL/dy. */
function weightGradient(x: tf.Tensor4D, weight: tf.Tensor4D, dy: tf.Tensor4D, [down, across]: Dilation) {
  const [height, width, , outputs] = weight.shape;
  const flat = tf.reshape(dy, [-1, outputs]) as tf.Tensor2D;
  const taps: tf.Tensor[] = [];
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      taps.push(tf.matMul(view(x, dy, row * down, column * across), flat, true));
  return tf.reshape(tf.stack(taps), weight.shape);
}

/** dL/dx: dL/dy, padded to where every tap reached, convolved with the mirrored kernel whose channels change places. */
function inputGradient(weight: tf.Tensor4D, dy: tf.Tensor4D, dilation: Dilation) {
  const [rows, columns] = [(weight.shape[0] - 1) * dilation[0], (weight.shape[1] - 1) * dilation[1]];
  const padded = tf.pad(dy, [
    [0, 0],
    [rows, rows],
    [columns, columns],
    [0, 0],
  ]);
  const mirrored = tf.transpose(tf.reverse(weight, [0, 1]), [0, 1, 3, 2]);
  return tf.conv2d(padded, mirrored, 1, 'valid', 'NHWC', dilation);
}

/**
 * A convolution of stride 1 without padding, with gradients of its own: tfjs has none where taps are dilated, and where
 * it has some, its cpu backend computes the kernel's one number at a time.
 * @param x float32 [n, h, w, inputs]
 * @param weight float32 [kernel height, kernel width, inputs, outputs]
 * @returns float32 [n, h − (kernel height − 1) · rows, w − (kernel width − 1) · columns, outputs]
 */
export function convolve(x: tf.Tensor4D, weight: tf.Tensor4D, dilation: Dilation): tf.Tensor4D {
  const operation = tf.customGrad((...inputs: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [input, kernel, save] = inputs as [tf.Tensor4D, tf.Tensor4D, tf.GradSaveFunc];
    save([input, kernel]);
    return {
      value: tf.conv2d(input, kernel, 1, 'valid', 'NHWC', dilation),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [savedInput, savedKernel] = saved as [tf.Tensor4D, tf.Tensor4D];
        return [
          inputGradient(savedKernel, dy as tf.Tensor4D, dilation),
          weightGradient(savedInput, savedKernel, dy as tf.Tensor4D, dilation),
        ];
      },
    };
  });
  return operation(x, weight) as tf.Tensor4D;
}
