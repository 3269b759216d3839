import * as tf from '@tensorflow/tfjs-core';

/** Mean and (biased) variance of a batch, float32 [channels] each. */
export interface Moments {
  mean: tf.Tensor1D;
  variance: tf.Tensor1D;
}

/**
 * Sums by channel, [n, h, w, c] → [c]: first over pictures and rows, then over columns, because one long float32 sum
 * would lose digits. As products with ones, because some backends would transpose all of x to sum over its rows.
 */
function sum(x: tf.Tensor4D): tf.Tensor1D {
  const [n, height, width, channels] = x.shape;
  const byColumn = tf.matMul(tf.ones([1, n * height]), tf.reshape(x, [n * height, width * channels]));
  const total = tf.matMul(tf.ones([1, width]), tf.reshape(byColumn, [width, channels]));
  return tf.reshape(total, [channels]);
}

/** The moments of x [n, h, w, c] by channel. */
export function momentsOf(x: tf.Tensor4D): Moments {
  return tf.tidy(() => {
    const count = x.size / x.shape[3];
    const mean = tf.div<tf.Tensor1D>(sum(x), count);
    return { mean, variance: tf.div<tf.Tensor1D>(sum(tf.square(tf.sub<tf.Tensor4D>(x, mean))), count) };
  });
}

/**
 * Batch norm by the batch's own moments, in training: scale · (x − mean) / √(variance + ε) + offset. Its gradients,
 * through the moments too, are its own: tfjs's take a dozen passes over x.
 * @param x float32 [n, h, w, c]; scale and offset float32 [c]
 * @param moments those of x
 */
export function normalise(
  x: tf.Tensor4D,
  scale: tf.Tensor1D,
  offset: tf.Tensor1D,
  moments: Moments,
  epsilon: number,
): tf.Tensor4D {
  const count = x.size / x.shape[3];
  return tf.customGrad((...inputs: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [input, factor, shift, save] = inputs as [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc];
    const inverse = tf.rsqrt(tf.add(moments.variance, epsilon));
    const normal = tf.mul<tf.Tensor4D>(tf.sub(input, moments.mean), inverse);
    save([normal, factor, inverse]);
    return {
      value: tf.add<tf.Tensor4D>(tf.mul(normal, factor), shift),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [z, gamma, rsqrt] = saved as [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D];
        const dOffset = sum(dy as tf.Tensor4D);
        const dScale = sum(tf.mul(dy, z));
        // What the moments give back: dy without its mean and without its share along z.
        const back = tf.add(tf.div(dOffset, count), tf.mul(z, tf.div(dScale, count)));
        return [tf.mul(tf.sub(dy, back), tf.mul(gamma, rsqrt)), dScale, dOffset];
      },
    };
  })(x, scale, offset) as tf.Tensor4D;
}
