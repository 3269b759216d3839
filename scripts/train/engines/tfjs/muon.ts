import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../../../src/model/architecture.js';

/** As in torch/muon.py. */
const QUINTIC = [3.4445, -4.775, 2.0315] as const;
const ITERATIONS = 5;
/** Biases, and the two vectors of a batch norm, take plain steps of so many times the kernels' rate. */
export const VECTORS = 2.5;

/** float32 [n, r, c] -> the same, all singular values between about 0.7 and 1.2, by Newton and Schulz. */
function orthogonalised(matrices: tf.Tensor3D): tf.Tensor3D {
  const [a, b, c] = QUINTIC;
  const tall = matrices.shape[1] > matrices.shape[2];
  const lying = tall ? tf.transpose(matrices, [0, 2, 1]) : matrices;
  const norms = tf.sqrt(tf.sum(tf.square(lying), [1, 2], true));
  let x = tf.div<tf.Tensor3D>(lying, tf.add(norms, 1e-7));
  for (let i = 0; i < ITERATIONS; i++) {
    const square = tf.matMul(x, x, false, true);
    const polynomial = tf.add<tf.Tensor3D>(tf.mul(square, b), tf.mul(tf.matMul(square, square), c));
    x = tf.add<tf.Tensor3D>(tf.mul(x, a), tf.matMul(polynomial, x));
  }
  return tall ? tf.transpose(x, [0, 2, 1]) : x;
}

/** Where Muon moves the kernels of an architecture. */
export class Muon {
  readonly #groups = new Map<string, number>();
  readonly #transposed = new Set<string>();

  constructor({ rows }: Architecture) {
    for (const row of rows) {
      if ('groups' in row)
        for (const conv of ['conv1', 'conv2', 'conv3', 'conv4'])
          this.#groups.set(`${row.name}.${conv}.weight`, row.groups);
      if (row.block === 'upsampler' || row.block === 'output')
        this.#transposed.add(`${row.name}.conv.weight`);
    }
  }

  /**
   * A kernel's move for a rate of 1, turned as one matrix a group, [outputs, inputs x taps].
   * @param direction of the kernel of that name, in tfjs's layout
   */
  move(name: string, direction: tf.Tensor): tf.Tensor {
    // Outputs lie last; in a transposed convolution's kernel before the inputs.
    const outputs = direction.rank - (this.#transposed.has(name) ? 2 : 1);
    const order = direction.shape.map((_, axis) => axis).filter((axis) => axis !== outputs);
    const turned = tf.transpose(direction, [outputs, ...order]);
    const [count, groups] = [turned.shape[0] as number, this.#groups.get(name) ?? 1];
    const matrices = tf.reshape(turned, [groups, count / groups, -1]) as tf.Tensor3D;
    const [, rows, columns] = matrices.shape;
    const moved = tf.mul(orthogonalised(matrices), Math.sqrt(Math.max(1, rows / columns)));
    const back = order.map((_, place) => place + 1);
    back.splice(outputs, 0, 0);
    return tf.transpose(tf.reshape(moved, turned.shape), back);
  }
}
