import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../../../src/model/architecture.js';
import { enlarge } from '../../../../src/model/enlarge.js';
import { Network } from '../../../../src/model/network.js';
import type { Weight, Weights } from '../../../../src/model/weights.js';
import { cropsOf } from '../../data/pack.js';

/** Pictures of one pass: torch/precise_norm.py's. */
const BATCH = 64;

/**
 * The weights with batch norm statistics that are the mean of those of batches of a data set's rows, taken as they are:
 * precise batch norm, as torch/precise_norm.py has it.
 * @param images uint8 [n, 48, 48]
 * @param rows those that are counted on; none leave the weights as they are
 */
export function countAnew(
  architecture: Architecture,
  weights: Weights,
  images: Uint8Array,
  rows: readonly number[],
): Weights {
  const batches = Math.ceil(rows.length / BATCH);
  const counted = new Map(weights);
  const add = (name: string, values: Float32Array, at: number) => {
    const { shape, data } = counted.get(name) as Weight;
    const mean = values.map((value, i) => (at === 0 ? value : ((data[i] as number) * at + value) / (at + 1)));
    counted.set(name, { shape, data: mean });
  };
  const network = new Network(architecture, weights);
  const { side } = architecture;
  for (let at = 0; at < batches; at++) {
    // Every batch is spread over all of the data set, whatever its order.
    const own = rows.filter((_, i) => i % batches === at);
    const pictures = enlarge(cropsOf(images, own), side);
    tf.tidy(() => {
      network.forward(tf.tensor4d(pictures, [own.length, side, side, 1]), {
        depth: 0,
        // Nothing is dropped.
        mask: (shape) => tf.ones(shape),
        follow(norm, { mean, variance }, count) {
          add(`${norm}.running_mean`, mean.dataSync<'float32'>(), at);
          add(`${norm}.running_var`, tf.mul(variance, count / (count - 1)).dataSync<'float32'>(), at);
        },
      });
    });
  }
  network.dispose();
  return counted;
}
