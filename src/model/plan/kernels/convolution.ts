import { type Conv, mergeGroups } from '../fold.js';
import { fittingGroups, type Kernel, type KernelModule, LANES } from './memory.js';

/** Output cells that share a table of assembly/convolution.ts. */
const CELLS = 48;

/** How a convolution's kernel moves over its input; padding is with zeros. */
export interface Window {
  kernel: readonly [height: number, width: number];
  stride: number;
  rows: readonly [above: number, below: number];
  columns: readonly [left: number, right: number];
  dilation: readonly [rows: number, columns: number];
}

/** A convolution's filters as assembly/convolution.ts wants them, and how many there are. */
export interface PackedConvolution extends Packing {
  filters: Float32Array;
}

export interface Packing {
  groups: number;
  /** Output channels of a group: full vectors, of which the last may have channels that are always 0. */
  outputs: number;
}

/** Whether the kernel can write just the convolution's outputs. */
export const fitsConvolution = ({ shape }: Conv, groups: number): boolean =>
  fittingGroups(groups, shape[3]) !== undefined;

/** Packs a convolution, with groups of full vectors: narrower ones are merged, an ungrouped one is filled up. */
export function packConvolution(conv: Conv, groups: number): PackedConvolution {
  const fewer = fittingGroups(groups, conv.shape[3]) ?? 1;
  const { shape, kernel, bias } = mergeGroups(conv, groups, fewer);
  const [height, width, inputs, outputs] = shape;
  const rows = height * width * inputs;
  const blocks = Math.ceil(outputs / LANES);
  const filters = new Float32Array(blocks * (1 + rows) * LANES);
  for (let block = 0; block < blocks; block++) {
    const from = block * LANES;
    const to = Math.min(outputs, from + LANES);
    let at = from * (1 + rows);
    filters.set(bias.subarray(from, to), at);
    for (let row = 0; row < rows; row++) {
      at += LANES;
      filters.set(kernel.subarray(row * outputs + from, row * outputs + to), at);
    }
  }
  return { filters, groups: fewer, outputs: (blocks * LANES) / fewer };
}

/** float32 values of scratch for a convolution. */
export const convolutionScratch = ({ shape: [height, width, inputs] }: Conv, groups: number): number =>
  inputs * groups + CELLS * (height * width + 1);

/** Rows and columns of a convolution's output. */
export function outputGrid(x: readonly number[], window: Window): [height: number, width: number] {
  const along = (length: number, axis: 0 | 1, [before, after]: readonly [number, number]) =>
    Math.floor(
      (length + before + after - (window.kernel[axis] - 1) * window.dilation[axis] - 1) / window.stride,
    ) + 1;
  return [along(x[1] as number, 0, window.rows), along(x[2] as number, 1, window.columns)];
}

/** Where a convolution's outputs go: an address, and floats from row to row, cell to cell, picture to picture. */
export interface Target {
  out: number;
  rowStep: number;
  cellStep: number;
  pictureStep: number;
}

/** One after another in a tensor of so many channels. */
export function inTurn(out: number, [height, width]: [number, number], channels: number): Target {
  const rowStep = width * channels;
  return { out, rowStep, cellStep: channels, pictureStep: height * rowStep };
}

export interface ConvolutionAttributes extends Packing {
  window: Window;
  rectified: boolean;
}

/** Convolves every picture of a tensor of shape `x`. */
export function convolve(
  module: KernelModule,
  at: { x: number; filters: number; scratch: number },
  x: readonly number[],
  { groups, outputs, window, rectified }: ConvolutionAttributes,
  { out, rowStep, cellStep, pictureStep }: Target,
): void {
  const [count, height, width, channels] = x as [number, number, number, number];
  const { kernel, stride, rows, columns, dilation } = window;
  for (let n = 0; n < count; n++)
    module.convolution(
      at.x + 4 * n * height * width * channels,
      out + 4 * n * pictureStep,
      at.filters,
      at.scratch,
      ...[height, width, channels / groups, groups],
      ...[...outputGrid(x, window), outputs, rowStep, cellStep],
      ...[...kernel, stride, rows[0], columns[0], ...dilation],
      Number(rectified),
    );
}

/** Convolution, bias, ReLU where `rectified`. */
export const convolution: Kernel<'filters' | 'scratch', ConvolutionAttributes> = {
  name: 'MienConvolution',
  shapeOf: (x, { groups, outputs, window }) => [x[0] as number, ...outputGrid(x, window), groups * outputs],
  compute(module, at, x, attributes) {
    const { groups, outputs, window } = attributes;
    convolve(module, at, x, attributes, inTurn(at.out, outputGrid(x, window), groups * outputs));
  },
};
