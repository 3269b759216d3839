import * as tf from '@tensorflow/tfjs-core';
import { MienError } from '../errors.js';

interface NodeUtil {
  isNullOrUndefined?(value: unknown): boolean;
}

/**
 * Makes libtensorflow current through tfjs-node or tfjs-node-gpu.
 *
 * Both are optional: their installer downloads libtensorflow from a host that may be out of reach, so they
 * are looked up when asked for, under a specifier that neither the compiler nor a bundler can follow.
 *
 * @throws MienError `backend_unavailable`, naming the package and the command that installs it
 */
export async function useNative(specifier: string): Promise<void> {
  giveBackIsNullOrUndefined();
  try {
    await import(/* @vite-ignore */ specifier);
  } catch (cause) {
    throw new MienError(
      'backend_unavailable',
      `This backend needs the package ${specifier}, which is not installed or does not load. ` +
        `Install it: npm install --no-save ${specifier}`,
      { cause, details: { package: specifier } },
    );
  }
  if (!(await tf.setBackend('tensorflow'))) {
    throw new MienError('backend_unavailable', `${specifier} is loaded but its backend does not start.`);
  }
}

/** tfjs-node calls `util.isNullOrUndefined`, which Node 23 removed. */
function giveBackIsNullOrUndefined(): void {
  const { process } = globalThis as { process?: { getBuiltinModule?(id: string): unknown } };
  const util = process?.getBuiltinModule?.('node:util') as NodeUtil | undefined;
  if (util) util.isNullOrUndefined ??= (value) => value === null || value === undefined;
}
