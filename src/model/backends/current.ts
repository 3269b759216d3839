import * as tf from '@tensorflow/tfjs-core';

/** The names by which tfjs knows the backends. */
export type EngineName = 'wasm' | 'tensorflow';

/**
 * Makes a backend that has been started tfjs's current one, at once. Whatever computes asks for its own first: a process
 * may have started two, and tensors are computed on the current one.
 */
export function makeCurrent(engineName: EngineName): void {
  // Only a backend that has yet to start would be waited for.
  if (tf.getBackend() !== engineName) void tf.setBackend(engineName);
}
