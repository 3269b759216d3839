import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../../../src/model/architecture.js';

/** As in torch/muon.py. */
const QUINTIC = [3.4445, -4.775, 2.0315] as const;
const ITERATIONS = 5;
/** Biases, and the two vectors of a batch norm, take plain steps of so many times the kernels' rate. */
export const VECTORS = 2.5;

/**
 * float32 [r, c] -> the same, all singular values between about 0.7 and 1.2, by Newton and Schulz. One matrix at a time
 * and turned beforehand: wasm multiplies several at once, or what matMul is to turn, several times as slowly.
 */
function orthogonalised(matrix: tf.Tensor2D): tf.Tensor2D {
  const [a, b, c] = QUINTIC;
  const tall = matrix.shape[0] > matrix.shape[1];
  const lying = tall ? tf.transpose(matrix) : matrix;
  let x = tf.div<tf.Tensor2D>(lying, tf.add(tf.norm(lying), 1e-7));
  for (let i = 0; i < ITERATIONS; i++) {
    const square = tf.matMul(x, tf.transpose(x));
    const polynomial = tf.add<tf.Tensor2D>(tf.mul(square, b), tf.mul(tf.matMul(square, square), c));
    x = tf.add<tf.Tensor2D>(tf.mul(x, a), tf.matMul(polynomial, x));
  }
  return tall ? tf.transpose(x) : x;
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
    const directions = tf.unstack(matrices).map((matrix) => orthogonalised(matrix as tf.Tensor2D));
    const moved = tf.mul(tf.stack(directions), Math.sqrt(Math.max(1, rows / columns)));
    const back = order.map((_, place) => place + 1);
    back.splice(outputs, 0, 0);
    return tf.transpose(tf.reshape(moved, turned.shape), back);
  }
}
