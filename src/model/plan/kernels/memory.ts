import * as tf from '@tensorflow/tfjs-core';

/** The functions of the WebAssembly module (assembly/index.ts). Addresses are bytes in the backend's memory. */
export interface KernelModule {
  convolution(...values: number[]): void;
  pool(...values: number[]): void;
  residual(...values: number[]): void;
}

/** The part of BackendWasm that tells where tensors stand in its memory. */
interface WasmMemory {
  dataIdMap: { get(dataId: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo;
}

/** Output channels that the kernels compute at once. */
export const LANES = 8;

type Named<Name extends string, T> = Record<Name, T>;

/** One of our kernels: a new float32 tensor from tensors. */
export interface Kernel<Name extends string, Attributes> {
  name: string;
  shapeOf(x: number[], attributes: Attributes): number[];
  /** Computes from and to addresses; `x` is the shape of the input. */
  compute(
    module: KernelModule,
    at: Named<Name | 'x' | 'out', number>,
    x: number[],
    attributes: Attributes,
  ): void;
}

/** Registers a kernel for tfjs's wasm backend, to work in that backend's memory. */
export function register<Name extends string, Attributes>(
  module: KernelModule,
  { name, shapeOf, compute }: Kernel<Name, Attributes>,
): void {
  tf.registerKernel({
    kernelName: name,
    backendName: 'wasm',
    kernelFunc({ inputs, attrs, backend }) {
      const memory = backend as WasmMemory;
      const attributes = attrs as unknown as Attributes;
      const { shape } = inputs.x as tf.TensorInfo;
      const out = memory.makeOutput(shapeOf(shape, attributes), 'float32');
      const address = ({ dataId }: { dataId: object }) => memory.dataIdMap.get(dataId).memoryOffset;
      const at: Record<string, number> = { out: address(out) };
      for (const [input, tensor] of Object.entries(inputs)) at[input] = address(tensor as tf.TensorInfo);
      compute(module, at as Named<Name | 'x' | 'out', number>, shape, attributes);
      return out;
    },
  });
}

/** Runs a kernel on the current backend. */
export function run<Name extends string, Attributes>(
  { name }: Kernel<Name, Attributes>,
  inputs: Named<Name, tf.Tensor> & { x: tf.Tensor },
  attributes: Attributes,
): tf.Tensor4D {
  return tf.engine().runKernel(name, inputs, attributes as never) as tf.Tensor4D;
}

/** The most groups, at most as many as there are, whose channels fill vectors; undefined where not even one does. */
export function fittingGroups(groups: number, channels: number): number | undefined {
  for (let fewer = groups; fewer >= 1; fewer--)
    if (groups % fewer === 0 && (channels / fewer) % LANES === 0) return fewer;
  return undefined;
}
