import { MienError } from '../errors.js';
import { Executor, type PlanRunner } from '../plan/executor.js';
import type { Plan } from '../plan/planner.js';
import { type EngineName, makeCurrent } from './current.js';
import { useWasm, type WasmModules } from './wasm.js';

/** What infers: WebAssembly anywhere, libtensorflow on the CPU, libtensorflow on CUDA. */
export const BACKEND_NAMES = ['wasm', 'node', 'node-gpu'] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];
export type NativeName = Exclude<BackendName, 'wasm'>;

/** The fastest first. */
export const BACKEND_ORDER: readonly BackendName[] = ['node-gpu', 'node', 'wasm'];

export interface BackendOptions {
  /** Compiled modules; only `wasm` needs them. */
  wasm?: WasmModules;
  /** Starts libtensorflow; only runtimes that can have it give this. */
  native?: (name: NativeName) => Promise<Backend>;
}

export interface Backend {
  name: BackendName;
  engineName: EngineName;
  /** Pixels of enlarged crops that one pass may hold, so that memory does not grow with the number of faces. */
  batchPixels: number;
  /** Makes a plan ready to run. */
  compile(plan: Plan): PlanRunner;
}

const created = new Map<BackendName, Promise<Backend>>();

/**
 * Makes a backend tfjs's current one. The second call for a name reuses what the first has made.
 *
 * @throws MienError `invalid_request` where no backend is called so; `backend_unavailable` where a package, a module or a GPU is missing
 * @example
 * const assets = await loadAssets();
 * await createBackend('wasm', assets);
 */
export async function createBackend(name: BackendName, options: BackendOptions = {}): Promise<Backend> {
  if (!BACKEND_NAMES.includes(name))
    throw new MienError(
      'invalid_request',
      `There is no backend "${name}"; there are ${BACKEND_NAMES.join(', ')}.`,
    );
  let backend = created.get(name);
  if (!backend) {
    backend = start(name, options);
    created.set(name, backend);
    backend.catch(() => created.delete(name));
  }
  const ready = await backend;
  makeCurrent(ready.engineName);
  return ready;
}

/**
 * Makes the first backend current that starts.
 *
 * @param skipped hears why those before it do not
 * @throws MienError `backend_unavailable` of the last, where none does
 */
export async function createFirstBackend(
  names: readonly BackendName[],
  options: BackendOptions,
  skipped: (name: BackendName, reason: string) => void,
): Promise<Backend> {
  for (const name of names.slice(0, -1)) {
    try {
      return await createBackend(name, options);
    } catch (error) {
      if (!MienError.is(error)) throw error;
      skipped(name, error.message);
    }
  }
  return createBackend(names[names.length - 1] as BackendName, options);
}

async function start(name: BackendName, { wasm, native }: BackendOptions): Promise<Backend> {
  if (name !== 'wasm') {
    if (!native) throw new MienError('backend_unavailable', `This runtime has no backend ${name}.`);
    return native(name);
  }
  if (!wasm) {
    throw new MienError('backend_unavailable', 'The wasm backend needs its compiled modules (wasm).');
  }
  await useWasm(wasm);
  return {
    name,
    engineName: 'wasm',
    batchPixels: 16 * 96 * 96,
    compile: (plan) => new Executor(plan),
  };
}
