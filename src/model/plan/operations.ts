import type { Conv } from './fold.js';
import type { StepOf } from './planner.js';
import type { RowSplit } from './transposed.js';

/** Rows above and below, columns left and right. */
export interface Pads {
  rows: [number, number];
  columns: [number, number];
}

export interface ConvOptions {
  stride?: number;
  /** Default: as much as keeps the grid, the same on both sides. */
  pad?: Pads;
  dilation?: [rows: number, columns: number];
  /** The kernel's inputs are those of one group. Default: 1. */
  groups?: number;
  /** Without the ReLU that otherwise follows. */
  linear?: boolean;
}

/** A tensor of float32, or what stands for one; the first size may be -1, for any number of crops. */
export interface Shaped {
  readonly shape: number[];
}

/** A function of one tensor. */
export type Unary<T> = (x: T) => T;

/**
 * What the layers of a plan are made of. `tfjs-operations.ts` computes each operation at once, `graph.ts` writes them down for
 * libtensorflow. Tensors are [n, rows, columns, channels] or [n, values].
 */
export interface Operations<T extends Shaped> {
  /** Convolution, bias and ReLU. */
  conv(conv: Conv, options?: ConvOptions): Unary<T>;
  /** Whole rows of the table, each as one operation; undefined where there is none that fits. */
  whole?: {
    downsample(step: StepOf<'downsample'>): Unary<T> | undefined;
    residual(step: StepOf<'residual'>): Unary<T> | undefined;
    upsample(split: RowSplit): Unary<T> | undefined;
  };
  /** Values that are kept for every run. */
  constant(values: Float32Array, shape: number[]): T;
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  matMul(a: T, b: T): T;
  relu(x: T): T;
  sigmoid(x: T): T;
  /** The largest of each 2×2 cells. */
  maxPool(x: T): T;
  /** Over rows and columns: [n, rows, columns, c] to [n, c]. */
  sum(x: T): T;
  mean(x: T): T;
  concat(parts: T[], axis: number): T;
  /** Of all crops; a size of -1 reaches to the end. */
  slice(x: T, begin: number[], size: number[]): T;
  reshape(x: T, shape: number[]): T;
  /** Bilinear, with half-pixel centres. */
  enlarge(x: T, side: number): T;
  /** Lets go of whatever is computed within, but for the result. */
  tidy(compute: () => T): T;
  dispose(tensor: T): void;
}
