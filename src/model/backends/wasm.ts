import * as wasmPackage from '@tensorflow/tfjs-backend-wasm';
import glue from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.js';
import * as tf from '@tensorflow/tfjs-core';
import { MienError } from '../errors.js';
import { registerKernels } from '../plan/kernels/index.js';
import type { WasmModule } from '../wasm-module.js';

type Factory = (options: Record<string, unknown>) => Promise<Module>;
type Signature = [result: 'number' | null, parameters: 'number'[]];
interface Module {
  cwrap(name: string, ...signature: Signature): (...values: number[]) => number;
  tfjs?: Record<string, (...values: number[]) => number>;
}

/** Compiled modules. */
export interface WasmModules {
  tfjs: WasmModule;
  kernels: WasmModule;
}

/** What the package's own initialiser wraps (backend_wasm.ts), by the name that `BackendWasm` calls. */
const WRAPPED: Record<string, [string, ...Signature]> = {
  init: ['init', null, []],
  initWithThreadsCount: ['init_with_threads_count', null, ['number']],
  getThreadsCount: ['get_threads_count', 'number', []],
  registerTensor: ['register_tensor', null, ['number', 'number', 'number']],
  disposeData: ['dispose_data', null, ['number']],
  dispose: ['dispose', null, []],
};

/**
 * Makes tfjs's `wasm` backend current from a compiled module, in every runtime by the one way that workerd
 * allows: the package's own initialiser compiles bytes, which is refused there. One thread. The plain glue
 * fits the SIMD module too (the package pairs them so); the glue named simd throws when called on its own.
 *
 * There is one such backend a process: the package's kernels are bound to the module that has started last. So where an app
 * has started one of its own, whose tensors would be lost, this one is refused; an app that comes later shares it.
 *
 * @param modules `tfjs-backend-wasm-simd.wasm`, compiled, and the plan's own kernels
 * @throws MienError `backend_unavailable` where the module does not fit the package's glue, or there is one already
 */
export async function useWasm({ tfjs, kernels }: WasmModules): Promise<void> {
  if ('wasm' in tf.engine().registry)
    throw new MienError(
      'backend_unavailable',
      "This process computes with tfjs's wasm backend already, whose tensors would be lost: create the recognizer before it is used, or in a worker thread.",
    );
  try {
    const { wasm, memory } = await instantiate(tfjs);
    wasm.tfjs = {};
    for (const [key, [name, ...signature]] of Object.entries(WRAPPED)) {
      wasm.tfjs[key] = wasm.cwrap(name, ...signature);
    }
    // Importing the package has registered its initialiser under this name: ours takes its place, and
    // keeps the name, since it is what the kernels are registered for.
    if (tf.findBackendFactory('wasm')) tf.removeBackend('wasm');
    const backend = new wasmPackage.BackendWasm(wasm as never);
    tf.registerBackend('wasm', () => backend, 2);
    await tf.setBackend('wasm');
    registerKernels(kernels, memory);
  } catch (cause) {
    throw new MienError('backend_unavailable', 'The wasm backend does not start.', { cause });
  }
}

async function instantiate(module: WasmModule): Promise<{ wasm: Module; memory: WebAssembly.Memory }> {
  const release = keepProcessListeners();
  let memory: WebAssembly.Memory | undefined;
  try {
    const wasm = await (glue as unknown as Factory)({
      instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) {
        const instance = new WebAssembly.Instance(module, imports);
        memory = instance.exports.memory as WebAssembly.Memory;
        done(instance);
        return instance.exports;
      },
    });
    return { wasm, memory: memory as unknown as WebAssembly.Memory };
  } finally {
    release();
  }
}

/**
 * Under Node, Emscripten's glue installs handlers for uncaught errors that throw them again. How a process
 * meets its uncaught errors is not a library's business, so they go.
 */
function keepProcessListeners(): () => void {
  const events = ['uncaughtException', 'unhandledRejection'];
  const { process } = globalThis as { process?: Partial<NodeJS.EventEmitter> };
  if (!process?.listeners) return () => {};
  const before = events.map((event) => process.listeners?.(event) ?? []);
  return () => {
    events.forEach((event, index) => {
      for (const listener of process.listeners?.(event) ?? []) {
        if (!before[index]?.includes(listener)) process.removeListener?.(event, listener as () => void);
      }
    });
  };
}
