import * as tf from '@tensorflow/tfjs-core';
import {
  type Architecture,
  computedRows,
  decoderStart,
  type PlainResidualRow,
  type ResidualRow,
} from './architecture.js';
import { convolve, convolveDoubling, convolveHalving, type Dilation } from './convolution.js';
import { type Moments, momentsOf, normalise } from './normalisation.js';
import { checkWeights, type Weights } from './weights.js';

/** What one pass gives. */
export interface Outputs {
  /** float32 [n, 7]. */
  logits: tf.Tensor2D;
  /** float32 [n, S, S, 7], module 23's class maps; there where they have a part in the logits. */
  maps: tf.Tensor4D | undefined;
  /** float32 [n, c], the encoder's averaged output. */
  features: tf.Tensor2D;
}

/** What training adds to a pass. */
export interface Training {
  /** A mask that `x` is multiplied with: 0 with probability `share`, else 1 / (1 − share). Not called for a share of 0. */
  mask(shape: number[], share: number): tf.Tensor;
  /** Stochastic depth: the last residual block is skipped with this probability, those before it in proportion. */
  depth: number;
  /** Told the moments of the batch at every batch norm, to follow them with the running ones; `count` values a channel. */
  follow(norm: string, moments: Moments, count: number): void;
}

/** How a weight in PyTorch's layout is turned for tfjs: OIHW → HWIO; IOHW → HWOI; [out, in] → [in, out]. */
export function toTfjsLayout(tensor: tf.Tensor): tf.Tensor {
  if (tensor.rank === 4) return tf.transpose(tensor, [2, 3, 1, 0]);
  return tensor.rank === 2 ? tf.transpose(tensor) : tensor;
}

/** Equal parts by the last dimension. tfjs cannot differentiate a split in one. */
const split = (x: tf.Tensor4D, parts: number): tf.Tensor4D[] => (parts === 1 ? [x] : tf.split(x, parts, 3));

const RESIDUAL: ReadonlySet<string> = new Set(['arb', 'non-bottleneck-1d', 'residual']);

type Padding = [[number, number], [number, number], [number, number], [number, number]];
const padding = (rows: number, columns = rows): Padding => [
  [0, 0],
  [rows, rows],
  [columns, columns],
  [0, 0],
];

/** Dropout, in training alone. */
const drop = <T extends tf.Tensor>(x: T, mask: number[], share: number, training?: Training): T =>
  training && share > 0 ? tf.mul<T>(x, training.mask(mask, share)) : x;

/**
 * The training form: every row as the architecture says it, batch norm live, on whichever tfjs backend is
 * current. The plan (src/model/plan) computes the same function faster; the torch engine trains it.
 */
export class Network {
  readonly architecture: Architecture;
  /** By the names of the weights file, in tfjs's layout. Of those that the logits come from, all but norms' moments are trainable. */
  readonly variables: ReadonlyMap<string, tf.Variable>;

  /** @throws {MienError} `invalid_weights` if the weights are not the architecture's. */
  constructor(architecture: Architecture, weights: Weights) {
    checkWeights(weights, architecture);
    this.architecture = architecture;
    const idle = new Set(architecture.rows.slice(computedRows(architecture)).map((row) => row.name));
    const learns = (name: string) =>
      !name.includes('.running_') && !idle.has(name.slice(0, name.indexOf('.')));
    this.variables = new Map(
      [...weights].map(([name, { shape, data }]) => [
        name,
        tf.tidy(() => tf.variable(toTfjsLayout(tf.tensor(data, [...shape])), learns(name))),
      ]),
    );
  }

  /**
   * @param pictures float32 [n, S, S, 1], 0 to 255: crops enlarged to the side
   * @param training drop out, and normalise by the batch's own moments instead of the running ones
   */
  forward(pictures: tf.Tensor4D, training?: Training): Outputs {
    return tf.tidy(() => {
      const { input, rows, head } = this.architecture;
      let x = tf.div(tf.sub(tf.div(pictures, 255), input.mean), input.deviation) as tf.Tensor4D;
      let features = x;
      const encoder = decoderStart(this.architecture);
      rows.slice(0, computedRows(this.architecture)).forEach((row, index) => {
        // Training needs what is computed on the way; who only infers lets go of it row by row.
        x = training ? this.#row(row, x, training) : tf.tidy(() => this.#row(row, x));
        if (index === encoder - 1) features = x;
      });
      const parts: tf.Tensor[] = [];
      if (head.maps) parts.push(tf.mean(x, [1, 2]));
      const pooled = tf.mean(features, [1, 2]) as tf.Tensor2D;
      if (head.features) {
        const kept = drop(pooled, pooled.shape, head.dropout, training);
        parts.push(tf.add(tf.matMul(kept, this.#get('head.weight')), this.#get('head.bias')));
      }
      return { logits: tf.addN(parts) as tf.Tensor2D, maps: head.maps ? x : undefined, features: pooled };
    });
  }

  dispose(): void {
    for (const variable of this.variables.values()) variable.dispose();
  }

  #get<T extends tf.Tensor = tf.Tensor2D>(name: string): T {
    return this.variables.get(name) as tf.Tensor as T;
  }

  #row(row: Architecture['rows'][number], x: tf.Tensor4D, training?: Training): tf.Tensor4D {
    switch (row.block) {
      case 'downsampler': {
        const convolved = convolveHalving(x, this.#get(`${row.name}.conv.weight`));
        const joined = tf.concat([convolved, tf.maxPool(x, 2, 2, 'valid')], 3);
        return tf.relu(this.#norm(`${row.name}.norm`, joined, training));
      }
      case 'arb':
      case 'non-bottleneck-1d':
        return this.#residual(row, x, training);
      case 'residual':
        return this.#plainResidual(row, x, training);
      case 'mix': {
        const mixed = this.#norm(`${row.name}.norm`, this.#conv(`${row.name}.conv`, x), training);
        return tf.relu(tf.add<tf.Tensor4D>(x, mixed));
      }
      case 'pointwise':
        return tf.relu(this.#norm(`${row.name}.norm`, this.#conv(`${row.name}.conv`, x), training));
      case 'attention':
        return this.#attention(row.name, [0, ...row.rates], x, training);
      case 'upsampler':
        return tf.relu(
          this.#norm(`${row.name}.norm`, convolveDoubling(x, this.#get(`${row.name}.conv.weight`)), training),
        );
      case 'output':
        return tf.add<tf.Tensor4D>(
          convolveDoubling(x, this.#get(`${row.name}.conv.weight`)),
          this.#get(`${row.name}.conv.bias`),
        );
    }
  }

  /** The branch of a residual block, as it is added to the block's input. */
  #branch(row: ResidualRow | PlainResidualRow, y: tf.Tensor4D, training?: Training): tf.Tensor4D {
    const [count, , , channels] = y.shape;
    // Whole channels are dropped, as torch's Dropout2d does.
    const kept = drop(y, [count, 1, 1, channels], row.dropout, training);
    const blocks = this.architecture.rows.filter(({ block }) => RESIDUAL.has(block));
    const depth = (training?.depth ?? 0) * ((blocks.indexOf(row) + 1) / blocks.length);
    return drop(kept, [count, 1, 1, 1], depth, training);
  }

  #residual(row: ResidualRow, x: tf.Tensor4D, training?: Training): tf.Tensor4D {
    const { name, groups, dilation: d } = row;
    const at = (n: number) => `${name}.conv${n}`;
    let y = tf.relu(this.#conv(at(1), x, { pad: padding(1, 0), groups }));
    y = tf.relu(this.#norm(`${name}.norm1`, this.#conv(at(2), y, { pad: padding(0, 1), groups }), training));
    y = tf.relu(this.#conv(at(3), y, { pad: padding(d, 0), groups, dilation: [d, 1] }));
    y = this.#conv(at(4), y, { pad: padding(0, d), groups, dilation: [1, d] });
    y = this.#norm(`${name}.norm2`, y, training);
    return tf.relu(tf.add<tf.Tensor4D>(x, this.#branch(row, y, training)));
  }

  #plainResidual(row: PlainResidualRow, x: tf.Tensor4D, training?: Training): tf.Tensor4D {
    const { name, dilation: d } = row;
    const first = this.#conv(`${name}.conv1`, x, { pad: padding(1) });
    const hidden = tf.relu(this.#norm(`${name}.norm1`, first, training));
    const second = this.#conv(`${name}.conv2`, hidden, { pad: padding(d), dilation: [d, d] });
    const y = this.#norm(`${name}.norm2`, second, training);
    return tf.relu(tf.add<tf.Tensor4D>(x, this.#branch(row, y, training)));
  }

  /** Equations 1 and 2, squeezed by ASPP (section 3.3). */
  #attention(name: string, rates: number[], x: tf.Tensor4D, training?: Training): tf.Tensor4D {
    const branches = rates.map((rate, i) => {
      const at = `${name}.branch${i}`;
      const y = this.#conv(`${at}.conv`, x, { pad: padding(rate), dilation: [rate || 1, rate || 1] });
      return tf.mean(tf.relu(this.#norm(`${at}.norm`, y, training)), [1, 2]);
    });
    const z = tf.concat(branches, 1) as tf.Tensor2D;
    const hidden = tf.relu(tf.matMul(z, this.#get(`${name}.fc1.weight`)));
    const s = tf.sigmoid(tf.matMul(hidden, this.#get(`${name}.fc2.weight`)));
    return tf.mul(x, tf.reshape(s, [x.shape[0], 1, 1, x.shape[3]])) as tf.Tensor4D;
  }

  /** A convolution by groups: the weight's input channels are a group's, its output channels all. */
  #conv(
    name: string,
    x: tf.Tensor4D,
    options: { pad?: Padding; groups?: number; dilation?: Dilation } = {},
  ): tf.Tensor4D {
    const { pad = padding(0), groups = 1, dilation = [1, 1] } = options;
    const weight = this.#get<tf.Tensor4D>(`${name}.weight`);
    const inputs = split(tf.pad(x, pad), groups);
    const kernels = split(weight, groups);
    const parts = inputs.map((part, g) => convolve(part, kernels[g] as tf.Tensor4D, dilation));
    const y = tf.concat(parts, 3);
    const bias = this.variables.get(`${name}.bias`);
    return (bias ? tf.add(y, bias) : y) as tf.Tensor4D;
  }

  #norm(name: string, x: tf.Tensor4D, training?: Training): tf.Tensor4D {
    const [scale, offset] = [
      this.#get<tf.Tensor1D>(`${name}.weight`),
      this.#get<tf.Tensor1D>(`${name}.bias`),
    ];
    const { epsilon } = this.architecture;
    if (training) {
      const moments = momentsOf(x);
      training.follow(name, moments, x.size / x.shape[3]);
      return normalise(x, scale, offset, moments, epsilon);
    }
    const [mean, variance] = ['mean', 'var'].map((field) =>
      this.#get<tf.Tensor1D>(`${name}.running_${field}`),
    );
    return tf.batchNorm4d(x, mean as tf.Tensor1D, variance as tf.Tensor1D, offset, scale, epsilon);
  }
}
