import * as tf from '@tensorflow/tfjs-core';
import { type Conv, mergeGroups } from './fold.js';
import {
  convolution,
  convolutionScratch,
  fitsConvolution,
  type Packing,
  packConvolution,
  type Window,
} from './kernels/convolution.js';
import { downsample, fitsDownsample } from './kernels/downsample.js';
import { type Kernel, run } from './kernels/memory.js';
import { fitsResidual, packResidual, residual, residualScratch } from './kernels/residual.js';
import { upsample } from './kernels/upsample.js';
import type { ConvOptions, Operations, Unary } from './operations.js';
import type { StepOf } from './planner.js';
import type { RowSplit } from './transposed.js';

/** A convolution's window; without other padding, its kernel's middle stands on the output's cell. */
function windowOf(
  { shape: [height, width] }: Conv,
  { stride = 1, pad, dilation = [1, 1] }: ConvOptions,
): Window {
  const [rows, columns] = [((height - 1) / 2) * dilation[0], ((width - 1) / 2) * dilation[1]];
  const { rows: padRows, columns: padColumns } = pad ?? { rows: [rows, rows], columns: [columns, columns] };
  return { kernel: [height, width], stride, rows: padRows, columns: padColumns, dilation };
}

/** Each operation is one kernel of tfjs's wasm backend: of our own where they fit, and else tfjs's. */
export class TfjsOperations implements Operations<tf.Tensor> {
  readonly #constants: tf.Tensor[] = [];
  /** One piece of memory for all kernels, since they work one after another. */
  #scratch: tf.Tensor = tf.keep(tf.zeros([1]));

  disposeConstants(): void {
    tf.dispose([...this.#constants, this.#scratch]);
  }

  conv(conv: Conv, options: ConvOptions = {}): Unary<tf.Tensor> {
    const { groups = 1, linear = false } = options;
    const window = windowOf(conv, options);
    if (!fitsConvolution(conv, groups)) return this.#stockConv(mergeGroups(conv, groups, 1), window, linear);
    const { filters, packing } = this.#packed(conv, groups);
    return this.#own(convolution, { filters }, { ...packing, window, rectified: !linear });
  }

  #stockConv({ shape, kernel, bias }: Conv, window: Window, linear: boolean): Unary<tf.Tensor> {
    const filter = this.constant(kernel, [...shape]);
    const offsets = this.constant(bias, [bias.length]);
    const attributes = {
      strides: [window.stride, window.stride],
      pad: [[0, 0], [...window.rows], [...window.columns], [0, 0]],
      dataFormat: 'NHWC',
      dilations: [...window.dilation],
      dimRoundingMode: 'floor',
      activation: linear ? 'linear' : 'relu',
      leakyreluAlpha: 0,
    };
    return (x) => tf.engine().runKernel('FusedConv2D', { x, filter, bias: offsets }, attributes) as tf.Tensor;
  }

  whole = {
    downsample: ({ conv, pool }: StepOf<'downsample'>): Unary<tf.Tensor> | undefined => {
      if (!fitsDownsample(conv)) return undefined;
      const { filters, packing } = this.#packed(conv, 1);
      const norm = this.constant(Float32Array.of(...pool.scale, ...pool.shift), [2, pool.scale.length]);
      const channels = conv.shape[3] + pool.scale.length;
      return this.#own(downsample, { filters, norm }, { ...packing, channels });
    },

    residual: ({ convs, grid }: StepOf<'residual'>): Unary<tf.Tensor> | undefined => {
      if (!fitsResidual(convs, grid)) return undefined;
      const { filters: packed, ...packing } = packResidual(convs);
      const filters = this.constant(packed, [packed.length]);
      this.#useScratch(residualScratch(grid, packing.channels));
      const dilation = Math.max(...convs.flatMap((conv) => conv.dilation));
      return this.#own(residual, { filters }, { ...packing, dilation });
    },

    upsample: ({ even, odd }: RowSplit): Unary<tf.Tensor> | undefined => {
      if (!fitsConvolution(even, 1)) return undefined;
      const [evenRows, oddRows] = [this.#packed(even, 1), this.#packed(odd, 1)];
      const filters = { even: evenRows.filters, odd: oddRows.filters };
      return this.#own(upsample, filters, { even: evenRows.packing, odd: oddRows.packing });
    },
  };

  #packed(conv: Conv, groups: number): { filters: tf.Tensor; packing: Packing } {
    const { filters, ...packing } = packConvolution(conv, groups);
    this.#useScratch(convolutionScratch(conv, groups));
    return { filters: this.constant(filters, [filters.length]), packing };
  }

  #own<Name extends string, Attributes>(
    kernel: Kernel<Name | 'scratch', Attributes>,
    constants: Record<Name, tf.Tensor>,
    attributes: Attributes,
  ): Unary<tf.Tensor> {
    return (x) => run(kernel, { ...constants, x, scratch: this.#scratch } as never, attributes);
  }

  #useScratch(length: number): void {
    if (length <= this.#scratch.size) return;
    this.#scratch.dispose();
    this.#scratch = tf.keep(tf.zeros([length]));
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
  slice = (x: tf.Tensor, begin: number[], size: number[]) => tf.slice(x, begin, size);
  reshape = (x: tf.Tensor, shape: number[]) => tf.reshape(x, shape);
  enlarge = (x: tf.Tensor, side: number) =>
    tf.image.resizeBilinear(x as tf.Tensor4D, [side, side], false, true);
  tidy = (compute: () => tf.Tensor) => tf.tidy(compute);
  dispose = (tensor: tf.Tensor) => tf.dispose(tensor);
}
