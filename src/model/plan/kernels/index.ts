import type { WasmModule } from '../../wasm-module.js';
import { convolution } from './convolution.js';
import { downsample } from './downsample.js';
import { type KernelModule, register } from './memory.js';
import { residual } from './residual.js';
import { upsample } from './upsample.js';

/** Registers the plan's own kernels for tfjs's wasm backend, to work in that backend's memory. */
export function registerKernels(compiled: WasmModule, memory: WebAssembly.Memory): void {
  const module = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as KernelModule;
  register(module, convolution);
  register(module, downsample);
  register(module, residual);
  register(module, upsample);
}
