import * as tf from '@tensorflow/tfjs-core';
import type { Conv } from './fold.js';
import { fits, packResidual, residual, scratchLength } from './kernels/residual.js';
import type { DilatedConv, DownsamplePart, Matrix, Plan, Step } from './planner.js';
import type { FoldedTail, RowSplit } from './transposed.js';

type Planes = tf.Tensor4D[];
type Layer = (input: Planes) => Planes;
type Pads = [[number, number], [number, number], [number, number], [number, number]];

/** Rows above and below, columns left and right. */
const pads = (rows: [number, number], columns: [number, number]): Pads => [[0, 0], rows, columns, [0, 0]];

const joined = (planes: Planes): tf.Tensor4D =>
  planes.length === 1 ? (planes[0] as tf.Tensor4D) : tf.concat(planes, 3);

/** The same channels in another number of planes. */
const regrouped = (planes: Planes, count: number): Planes =>
  planes.length === count ? planes : tf.split(joined(planes), count, 3);

/** The plan's constants on the current backend, and the network that they make. */
export class Executor {
  readonly #plan: Plan;
  readonly #constants: tf.Tensor[] = [];
  readonly #scratches = new Map<number, tf.Tensor>();
  readonly #encoder: Layer[];
  readonly #decoder: Layer[];
  readonly #features: ((x: tf.Tensor2D) => tf.Tensor2D) | undefined;
  readonly #tail: ((x: Planes) => tf.Tensor2D) | undefined;
  readonly #maps: ((x: tf.Tensor4D) => tf.Tensor4D) | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#encoder = plan.encoder.map((step) => this.#layer(step));
    this.#decoder = plan.decoder.map((step) => this.#layer(step));
    this.#features = plan.features && this.#dense(plan.features);
    this.#tail = plan.tail && this.#averagedMaps(plan.tail);
    this.#maps = plan.maps && this.#upsample(plan.maps, { linear: true });
  }

  /**
   * @param pictures float32 [n, S, S], 0 to 255: crops enlarged to the plan's side
   * @returns float32 [n, 7] logits
   */
  run(pictures: Float32Array, count: number): Float32Array {
    return tf.tidy(() => {
      const encoded = this.#encode(pictures, count);
      const parts: tf.Tensor2D[] = [];
      if (this.#features) parts.push(this.#features(tf.mean(joined(encoded), [1, 2])));
      if (this.#tail) parts.push(this.#tail(through(this.#decoder, encoded)));
      return tf.addN(parts).dataSync<'float32'>().slice();
    });
  }

  /**
   * Where the logits come from: each label's evidence by place. Both parts of the head average over the grid, so a
   * map's mean is that label's logit less the features' bias.
   *
   * @param pictures as in `run`
   * @returns float32 [n, S, S, 7]: module 23's class maps, and the features' (class activation mapping, Zhou et al.
   *   2016) enlarged to S×S, added
   */
  evidence(pictures: Float32Array, count: number): Float32Array {
    const { side } = this.#plan;
    return tf.tidy(() => {
      const encoded = this.#encode(pictures, count);
      const parts: tf.Tensor4D[] = [];
      if (this.#plan.features) parts.push(this.#activations(joined(encoded), this.#plan.features, side));
      if (this.#maps) parts.push(this.#maps(joined(through(this.#decoder, encoded))));
      return tf.addN(parts).dataSync<'float32'>().slice();
    });
  }

  dispose(): void {
    tf.dispose(this.#constants);
  }

  #encode(pictures: Float32Array, count: number): Planes {
    const { side, input } = this.#plan;
    const scaled = pictures.map((value) => (value / 255 - input.mean) / input.deviation);
    return through(this.#encoder, [tf.tensor4d(scaled, [count, side, side, 1])]);
  }

  #activations(x: tf.Tensor4D, { inputs, outputs, values }: Matrix, side: number): tf.Tensor4D {
    const filter = tf.tensor4d(values, [1, 1, inputs, outputs]);
    return tf.image.resizeBilinear(tf.conv2d(x, filter, 1, 'same'), [side, side], false, true);
  }

  #keep<T extends tf.Tensor>(tensor: T): T {
    this.#constants.push(tf.keep(tensor));
    return tensor;
  }

  #layer(step: Step): Layer {
    switch (step.kind) {
      case 'downsample':
        return this.#downsample(step.planes);
      case 'residual':
        return this.#residual(step);
      case 'pointwise': {
        const convs = step.planes.map((conv) => this.#conv(conv));
        return (input) => {
          const x = joined(input);
          return convs.map((conv) => conv(x));
        };
      }
      case 'attention':
        return this.#attention(step);
      case 'upsample': {
        const planes = step.planes.map((split) => this.#upsample(split));
        return (input) => {
          const x = joined(input);
          return planes.map((upsample) => upsample(x));
        };
      }
    }
  }

  /** One fused kernel: convolution, bias, ReLU unless `linear`. */
  #conv(
    { shape, kernel, bias }: Conv,
    options: { stride?: number; pad?: Pads; dilation?: [number, number]; linear?: boolean } = {},
  ): (x: tf.Tensor4D) => tf.Tensor4D {
    const filter = this.#keep(tf.tensor4d(kernel, [...shape]));
    const offsets = this.#keep(tf.tensor1d(bias));
    const attributes = {
      strides: [options.stride ?? 1, options.stride ?? 1],
      pad: options.pad ?? 'same',
      dataFormat: 'NHWC',
      dilations: options.dilation ?? [1, 1],
      dimRoundingMode: 'floor',
      activation: options.linear ? 'linear' : 'relu',
      leakyreluAlpha: 0,
    };
    return (x) =>
      tf.engine().runKernel('FusedConv2D', { x, filter, bias: offsets }, attributes) as tf.Tensor4D;
  }

  #downsample(planes: DownsamplePart[][]): Layer {
    const build = (part: DownsamplePart): ((x: tf.Tensor4D, pooled: tf.Tensor4D) => tf.Tensor4D) => {
      if ('conv' in part) {
        const conv = this.#conv(part.conv, { stride: 2, pad: pads([1, 1], [1, 1]) });
        return (x) => conv(x);
      }
      const { pool, from, to } = part;
      const scale = this.#keep(tf.tensor1d(pool.scale));
      const shift = this.#keep(tf.tensor1d(pool.shift));
      return (_, pooled) => {
        const whole = from === 0 && to === pooled.shape[3];
        const kept = whole ? pooled : tf.slice(pooled, [0, 0, 0, from], [-1, -1, -1, to - from]);
        return tf.relu(tf.add<tf.Tensor4D>(tf.mul(kept, scale), shift));
      };
    };
    const built = planes.map((parts) => parts.map(build));
    return (input) => {
      const x = joined(input);
      const pooled = tf.maxPool(x, 2, 2, 'valid');
      return built.map((parts) => joined(parts.map((part) => part(x, pooled))));
    };
  }

  #residual({ planes, grid }: Extract<Step, { kind: 'residual' }>): Layer {
    const built = planes.map((convs) =>
      fits(convs, grid) ? this.#fusedBlock(convs, grid) : this.#block(convs),
    );
    return (input) =>
      regrouped(input, built.length).map((x, p) => (built[p] as (x: tf.Tensor4D) => tf.Tensor4D)(x));
  }

  #block(planes: DilatedConv[]): (x: tf.Tensor4D) => tf.Tensor4D {
    const convs = planes.map(({ conv, dilation }, i) =>
      this.#conv(conv, { dilation, linear: i === planes.length - 1 }),
    );
    return (x) =>
      tf.tidy(() => {
        const y = convs.reduce((value, conv) => conv(value), x);
        return tf.relu(tf.add<tf.Tensor4D>(x, y));
      });
  }

  /** The block as one kernel of our own. */
  #fusedBlock(convs: DilatedConv[], grid: number): (x: tf.Tensor4D) => tf.Tensor4D {
    const filters = this.#keep(tf.tensor1d(packResidual(convs.map(({ conv }) => conv))));
    const scratch = this.#scratchOf(scratchLength(grid, (convs[0] as DilatedConv).conv.shape[3]));
    const dilation = Math.max(...convs.flatMap((conv) => conv.dilation));
    return (x) => residual(x, filters, scratch, dilation);
  }

  /** One piece of memory for all blocks of a size, since they work one after another. */
  #scratchOf(length: number): tf.Tensor {
    const scratch = this.#scratches.get(length) ?? this.#keep(tf.zeros([length]));
    this.#scratches.set(length, scratch);
    return scratch;
  }

  /** Squeeze by ASPP, then equation 2 of the paper. */
  #attention({ branches, fc1, fc2 }: Extract<Step, { kind: 'attention' }>): Layer {
    const convs = branches.map(({ conv, rate }) => this.#conv(conv, { dilation: [rate || 1, rate || 1] }));
    const [squeeze, excite] = [this.#dense(fc1), this.#dense(fc2)];
    return (input) => {
      const x = joined(input);
      const z = tf.concat(
        convs.map((conv) => tf.mean(conv(x), [1, 2]) as tf.Tensor2D),
        1,
      );
      const s = tf.sigmoid(excite(tf.relu(squeeze(z))));
      return [tf.mul<tf.Tensor4D>(x, tf.reshape(s, [x.shape[0], 1, 1, x.shape[3]]))];
    };
  }

  #upsample({ even, odd }: RowSplit, { linear = false } = {}): (x: tf.Tensor4D) => tf.Tensor4D {
    const evenRows = this.#conv(even, { pad: pads([0, 0], [0, 1]), linear });
    const oddRows = this.#conv(odd, { pad: pads([0, 1], [0, 1]), linear });
    return (x) => {
      const [n, height, width] = x.shape;
      // [n, h, w, 2c] is [n · h, a whole output row]: putting the two side by side interleaves the rows.
      const rows = [evenRows(x), oddRows(x)].map((y) => tf.reshape(y, [n * height, -1]));
      return tf.reshape(tf.concat(rows, 1), [n, 2 * height, 2 * width, -1]);
    };
  }

  #dense({ inputs, outputs, values, bias }: Matrix): (x: tf.Tensor2D) => tf.Tensor2D {
    const matrix = this.#keep(tf.tensor2d(values, [inputs, outputs]));
    const offsets = bias && this.#keep(tf.tensor1d(bias));
    return (x) => {
      const y = tf.matMul<tf.Tensor2D>(x, matrix);
      return offsets ? tf.add<tf.Tensor2D>(y, offsets) : y;
    };
  }

  /** Module 23 and its global average at once: the full-size maps are never built. */
  #averagedMaps({ matrix, bias }: FoldedTail): (planes: Planes) => tf.Tensor2D {
    const weights = this.#keep(tf.tensor2d(matrix, [matrix.length / bias.length, bias.length]));
    const offsets = this.#keep(tf.tensor1d(bias));
    const sum = (part: tf.Tensor4D) => tf.sum(part, [1, 2]) as tf.Tensor2D;
    return (planes) => {
      const [, height, width] = (planes[0] as tf.Tensor4D).shape;
      const sums = planes.map((x) => {
        const all = sum(x);
        const belowFirst = tf.sub<tf.Tensor2D>(all, sum(tf.slice(x, [0, 0, 0, 0], [-1, 1, -1, -1])));
        const firstColumn = tf.slice(x, [0, 0, 0, 0], [-1, -1, 1, -1]);
        const afterFirst = tf.sub<tf.Tensor2D>(all, sum(firstColumn));
        const corner = sum(tf.slice(firstColumn, [0, 1, 0, 0], [-1, height - 1, 1, -1]));
        return [all, belowFirst, afterFirst, tf.sub<tf.Tensor2D>(belowFirst, corner)];
      });
      // Each sum of all planes' channels, then the next sum: the matrix's order.
      const joint = tf.concat(
        [0, 1, 2, 3].flatMap((kind) => sums.map((ofPlane) => ofPlane[kind] as tf.Tensor2D)),
        1,
      );
      return tf.add<tf.Tensor2D>(tf.matMul(tf.div<tf.Tensor2D>(joint, height * width), weights), offsets);
    };
  }
}

/** Runs layers in turn, letting go of each layer's input when it has been used. */
function through(layers: Layer[], input: Planes): Planes {
  let planes = input;
  for (const layer of layers) {
    const next = tf.tidy(() => layer(planes));
    if (planes !== input) tf.dispose(planes.filter((plane) => !next.includes(plane)));
    planes = next;
  }
  return planes;
}
