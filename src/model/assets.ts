import type { BackendOptions } from './backends/index.js';
import type { WasmModule } from './wasm-module.js';

/** The binary files that the model needs, in memory: each runtime has its own way of getting at them. */
export interface Assets extends Pick<BackendOptions, 'native'> {
  /** Compiled modules: tfjs's SIMD kernels, the plan's own, and jSquash's three decoders. */
  wasm: Record<'tfjs' | 'kernels' | 'jpeg' | 'png' | 'webp', WasmModule>;
  /** BlazeFace (back, 256): `blazeface.json` parsed, and `blazeface.bin`. */
  detector: { topology: object; weights: ArrayBuffer };
}
