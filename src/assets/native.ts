/** libtensorflow in Node: through tfjs-node or tfjs-node-gpu, which are optional. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import util from 'node:util';
import type { NativeRuntime } from '../model/backends/native.js';

/** Copies of the network that a graph holds at most: one a core, but loading more takes seconds. */
const MOST_THREADS = 16;

/**
 * @param folder where `npm run setup:native` puts the packages, for where they are not found from here
 */
export function nativeRuntime(folder: string): NativeRuntime {
  const threads = Math.min(availableParallelism(), MOST_THREADS);
  return {
    threads,
    has: (specifier) => findPackage(specifier, folder) !== undefined,
    load(specifier) {
      prepareEnvironment(threads);
      giveBackIsNullOrUndefined();
      createRequire(import.meta.url)(findPackage(specifier, folder) as string);
    },
    withFolder(savedModel, use) {
      const made = mkdtempSync(join(tmpdir(), 'mien-'));
      try {
        writeFileSync(join(made, 'saved_model.pb'), savedModel);
        return use(made);
      } finally {
        rmSync(made, { recursive: true });
      }
    },
  };
}

/** Path of a package that is installed beside mien, or in `folder`; undefined where it is in neither. */
export function findPackage(specifier: string, folder: string): string | undefined {
  for (const from of [import.meta.url, join(folder, 'package.json')]) {
    try {
      return createRequire(from).resolve(specifier);
    } catch {
      // Looked for in the next place.
    }
  }
  return undefined;
}

/** libtensorflow reads these when it is loaded. What has been set already holds. */
function prepareEnvironment(threads: number): void {
  const { env } = process;
  // Each kernel in one thread, and as many kernels at a time as there are cores: see GraphRunner.
  env.TF_NUM_INTRAOP_THREADS ??= '1';
  env.TF_NUM_INTEROP_THREADS ??= `${threads}`;
  // libtensorflow 2.9 leaves oneDNN, which alone computes groups, to CPUs with AVX-512 unless it is told.
  env.TF_ENABLE_ONEDNN_OPTS ??= '1';
  // On a GPU: not all of its memory at once; no search for the fastest algorithm at each new size of batch, while
  // requests wait; and float32 as on other backends, where newer GPUs would round to TF32's 10 bits.
  env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  env.TF_CUDNN_USE_AUTOTUNE ??= '0';
  env.NVIDIA_TF32_OVERRIDE ??= '0';
  // Errors alone.
  env.TF_CPP_MIN_LOG_LEVEL ??= '2';
}

/** tfjs-node calls `util.isNullOrUndefined`, which Node 23 removed. */
function giveBackIsNullOrUndefined(): void {
  const old = util as { isNullOrUndefined?(value: unknown): boolean };
  old.isNullOrUndefined ??= (value) => value === null || value === undefined;
}
