import * as tf from '@tensorflow/tfjs-core';
import type { Conv } from './fold.js';
import { fits, packResidual, residual, scratchLength } from './kernels/residual.js';
import { Layers } from './layers.js';
import type { ConvOptions, Operations, Pads } from './operations.js';
import type { DilatedConv, Plan } from './planner.js';

/** A plan, ready to run. */
export interface PlanRunner {
  /**
   * @param pictures float32 [n, S, S], 0 to 255: crops enlarged to the plan's side
   * @returns float32 [n, 7] logits
   */
  run(pictures: Float32Array, count: number): Float32Array;
  /**
   * @param pictures as in `run`
   * @returns float32 [n, S, S, 7]: `Layers.evidence`
   */
  evidence(pictures: Float32Array, count: number): Float32Array;
  dispose(): void;
}

/** Runs a plan by tfjs, operation by operation, on the backend that is current. */
export class Executor implements PlanRunner {
  readonly #plan: Plan;
  readonly #operations = new TfjsOperations();
  readonly #layers: Layers<tf.Tensor>;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#layers = new Layers(plan, this.#operations);
  }

  run(pictures: Float32Array, count: number): Float32Array {
    return tf.tidy(() =>
      this.#layers.logits(this.#normalised(pictures, count)).dataSync<'float32'>().slice(),
    );
  }

  evidence(pictures: Float32Array, count: number): Float32Array {
    return tf.tidy(() =>
      this.#layers.evidence(this.#normalised(pictures, count)).dataSync<'float32'>().slice(),
    );
  }

  dispose(): void {
    this.#operations.disposeConstants();
  }

  #normalised(pictures: Float32Array, count: number): tf.Tensor4D {
    const { side, input } = this.#plan;
    const scaled = pictures.map((value) => (value / 255 - input.mean) / input.deviation);
    return tf.tensor4d(scaled, [count, side, side, 1]);
  }
}

type PaddingOfTfjs = 'same' | [[number, number], [number, number], [number, number], [number, number]];

const padding = (pad: Pads | undefined): PaddingOfTfjs =>
  pad ? [[0, 0], pad.rows, pad.columns, [0, 0]] : 'same';

/** Each operation is one kernel of the current backend. */
class TfjsOperations implements Operations<tf.Tensor> {
  readonly #constants: tf.Tensor[] = [];
  readonly #scratches = new Map<number, tf.Tensor>();

  disposeConstants(): void {
    tf.dispose(this.#constants);
  }

  /** One fused kernel. It is called past tfjs's own checks, which know no filters in groups. */
  conv(
    { shape, kernel, bias }: Conv,
    { stride = 1, pad, dilation = [1, 1], linear }: ConvOptions = {},
  ): (x: tf.Tensor) => tf.Tensor {
    const filter = this.constant(kernel, [...shape]);
    const offsets = this.constant(bias, [bias.length]);
    const attributes = {
      strides: [stride, stride],
      pad: padding(pad),
      dataFormat: 'NHWC',
      dilations: dilation,
      dimRoundingMode: 'floor',
      activation: linear ? 'linear' : 'relu',
      leakyreluAlpha: 0,
    };
    return (x) => tf.engine().runKernel('FusedConv2D', { x, filter, bias: offsets }, attributes) as tf.Tensor;
  }

  /** The block as one kernel of our own. */
  block(convs: DilatedConv[], grid: number): ((x: tf.Tensor) => tf.Tensor) | undefined {
    if (!fits(convs, grid)) return undefined;
    const packed = packResidual(convs.map(({ conv }) => conv));
    const filters = this.constant(packed, [packed.length]);
    const scratch = this.#scratchOf(scratchLength(grid, (convs[0] as DilatedConv).conv.shape[3]));
    const dilation = Math.max(...convs.flatMap((conv) => conv.dilation));
    return (x) => residual(x as tf.Tensor4D, filters, scratch, dilation);
  }

  /** One piece of memory for all blocks of a size, since they work one after another. */
  #scratchOf(length: number): tf.Tensor {
    const scratch = this.#scratches.get(length) ?? this.constant(new Float32Array(length), [length]);
    this.#scratches.set(length, scratch);
    return scratch;
  }

  constant(values: Float32Array, shape: number[]): tf.Tensor {
    const tensor = tf.keep(tf.tensor(values, shape));
    this.#constants.push(tensor);
    return tensor;
  }

  add = (a: tf.Tensor, b: tf.Tensor) => tf.add(a, b);
  sub = (a: tf.Tensor, b: tf.Tensor) => tf.sub(a, b);
  mul = (a: tf.Tensor, b: tf.Tensor) => tf.mul(a, b);
  matMul = (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b);
  relu = (x: tf.Tensor) => tf.relu(x);
  sigmoid = (x: tf.Tensor) => tf.sigmoid(x);
  maxPool = (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid');
  sum = (x: tf.Tensor) => tf.sum(x, [1, 2]);
  mean = (x: tf.Tensor) => tf.mean(x, [1, 2]);
  concat = (parts: tf.Tensor[], axis: number) => tf.concat(parts, axis);
  split = (x: tf.Tensor, count: number) => tf.split(x, count, 3);
  slice = (x: tf.Tensor, begin: number[], size: number[]) => tf.slice(x, begin, size);
  reshape = (x: tf.Tensor, shape: number[]) => tf.reshape(x, shape);
  enlarge = (x: tf.Tensor, side: number) =>
    tf.image.resizeBilinear(x as tf.Tensor4D, [side, side], false, true);
  tidy = <R extends tf.Tensor | tf.Tensor[]>(compute: () => R): R => tf.tidy(compute);
  dispose = (tensors: tf.Tensor[]) => tf.dispose(tensors);
}
