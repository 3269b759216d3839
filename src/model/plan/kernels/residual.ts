import * as tf from '@tensorflow/tfjs-core';
import type { Conv } from '../fold.js';
import type { DilatedConv } from '../planner.js';

/** The tfjs kernel that computes a whole residual block of one group; only the wasm backend has it. */
export const RESIDUAL = 'MienResidual';

/** What assembly/residual.ts computes at once: output channels, and lines of the grid. */
const LANES = 8;
const LINES = 6;
/** Matrices that it wants of each filter. */
const MATRICES = 12;
/** float32 values at the scratch's beginning. */
const HEAD = 256;

/** The matrices' factors for the three taps, one after another: F(4, 3), F(2, 3) and the two taps of a lone output. */
const TRANSFORMS = Float64Array.from(
  [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
    [1, 0, 0],
    [1 / 2, 1 / 2, 1 / 2],
    [1 / 2, -1 / 2, 1 / 2],
    [0, 0, 1],
    [1, 0, 0],
    [0, 1, 0],
  ].flat(),
);

/** Whether the kernel computes the block: the current backend has it, and the plane and the convolutions fit. */
export function fits(convs: DilatedConv[], grid: number): boolean {
  const channels = convs[0]?.conv.shape[3] ?? 0;
  const factorised = convs.every(({ conv: { shape }, groups }) => shape[0] * shape[1] === 3 && groups === 1);
  return (
    factorised &&
    convs.length === 4 &&
    grid >= LINES &&
    channels % LANES === 0 &&
    tf.getKernel(RESIDUAL, tf.getBackend()) !== undefined
  );
}

/** float32 values of scratch for planes [grid, grid, channels]. */
export const scratchLength = (grid: number, channels: number): number =>
  HEAD + channels * (6 * grid + 2 * grid * grid);

/** Of each convolution its bias, then, for each LANES output channels, MATRICES matrices [inputs, LANES]. */
export function packResidual(convs: Conv[]): Float32Array {
  const channels = convs[0]?.shape[3] as number;
  const length = channels + MATRICES * channels * channels;
  const packed = new Float32Array(convs.length * length);
  convs.forEach(({ kernel, bias }, c) => {
    const filter = packed.subarray(c * length, (c + 1) * length);
    filter.set(bias);
    transform(kernel, channels, filter.subarray(channels));
  });
  return packed;
}

/** Plain loops over typed arrays: this is millions of values, computed while a Worker starts. */
function transform(kernel: Float32Array, channels: number, matrices: Float32Array): void {
  const tap = channels * channels;
  for (let o = 0; o < channels; o++) {
    const block = (o - (o % LANES)) * MATRICES * channels + (o % LANES);
    for (let i = 0; i < channels; i++) {
      const at = i * channels + o;
      const first = kernel[at] as number;
      const second = kernel[at + tap] as number;
      const third = kernel[at + 2 * tap] as number;
      for (let m = 0; m < MATRICES; m++) {
        matrices[block + (m * channels + i) * LANES] =
          (TRANSFORMS[3 * m] as number) * first +
          (TRANSFORMS[3 * m + 1] as number) * second +
          (TRANSFORMS[3 * m + 2] as number) * third;
      }
    }
  }
}

/** The block on one plane: float32 [n, h, w, c] in and out. */
export const residual = (x: tf.Tensor4D, filters: tf.Tensor, scratch: tf.Tensor, dilation: number) =>
  tf.engine().runKernel(RESIDUAL, { x, filters, scratch }, { dilation }) as tf.Tensor4D;

type Compute = (...values: number[]) => void;

/** Registers the kernel for tfjs's wasm backend, to work in that backend's memory. */
export function registerResidual(module: WebAssembly.Module, memory: WebAssembly.Memory): void {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const compute = exports.residual as Compute;
  tf.registerKernel({
    kernelName: RESIDUAL,
    backendName: 'wasm',
    kernelFunc({ inputs, attrs, backend }) {
      const { dataIdMap, makeOutput } = backend as WasmMemory;
      const { x, filters, scratch } = inputs as Record<'x' | 'filters' | 'scratch', tf.TensorInfo>;
      const out = makeOutput.call(backend, x.shape, 'float32');
      const [xAt, outAt, filtersAt, scratchAt] = [x, out, filters, scratch].map(
        ({ dataId }) => dataIdMap.get(dataId).memoryOffset,
      ) as [number, number, number, number];
      const [n, height, width, channels] = x.shape as [number, number, number, number];
      const { dilation } = attrs as unknown as { dilation: number };
      compute(xAt, outAt, filtersAt, scratchAt, n, height, width, channels, dilation);
      return out;
    },
  });
}

/** The part of BackendWasm that tells where tensors stand in its memory. */
interface WasmMemory {
  dataIdMap: { get(dataId: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo;
}
