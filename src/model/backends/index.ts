import * as tf from '@tensorflow/tfjs-core';
import { MienError } from '../errors.js';
import { useNode } from './node.js';
import { useNodeGpu } from './node-gpu.js';
import { useWasm, type WasmModules } from './wasm.js';

/** What infers: WebAssembly anywhere, libtensorflow on the CPU, libtensorflow on CUDA. */
export const BACKEND_NAMES = ['wasm', 'node', 'node-gpu'] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

export interface BackendOptions {
  /** Compiled modules; only `wasm` needs them. */
  wasm?: WasmModules;
}

export interface Backend {
  name: BackendName;
  /** The name that tfjs knows it by, for `tf.setBackend`. */
  engineName: 'wasm' | 'tensorflow';
}

const created = new Map<BackendName, Promise<Backend>>();

/**
 * Makes a backend tfjs's current one. The second call for a name reuses what the first has made.
 *
 * @throws MienError `backend_unavailable` where a package or a module is missing
 * @example
 * const assets = await loadAssets();
 * await createBackend('wasm', assets);
 */
export async function createBackend(name: BackendName, options: BackendOptions = {}): Promise<Backend> {
  let backend = created.get(name);
  if (!backend) {
    backend = start(name, options);
    created.set(name, backend);
    backend.catch(() => created.delete(name));
  }
  const ready = await backend;
  if (tf.getBackend() !== ready.engineName) await tf.setBackend(ready.engineName);
  return ready;
}

async function start(name: BackendName, { wasm }: BackendOptions): Promise<Backend> {
  if (name !== 'wasm') {
    await (name === 'node' ? useNode() : useNodeGpu());
    return { name, engineName: 'tensorflow' };
  }
  if (!wasm) {
    throw new MienError('backend_unavailable', 'The wasm backend needs its compiled modules (wasm).');
  }
  await useWasm(wasm);
  return { name, engineName: 'wasm' };
}
