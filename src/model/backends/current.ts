import * as tf from '@tensorflow/tfjs-core';

/** The names by which tfjs knows the backends. */
export type EngineName = 'wasm' | 'tensorflow';

/** Makes a backend that has been started tfjs's current one, at once. */
export function makeCurrent(engineName: EngineName): void {
  // Only a backend that has yet to start would be waited for.
  if (tf.getBackend() !== engineName) void tf.setBackend(engineName);
}

/**
 * Computes on a backend that has been started, and leaves tfjs's current one as it was: a process may have started two of
 * ours, and an app of tfjs's own has its choice.
 * @param work ends before it returns
 */
export function computeOn<T>(engineName: EngineName, work: () => T): T {
  const restore = currentBackend();
  makeCurrent(engineName);
  try {
    return work();
  } finally {
    restore();
  }
}

/** Remembers tfjs's current backend, where there is one. @returns what makes it current again */
export function currentBackend(): () => void {
  const before = tf.getBackend();
  return () => {
    if (before && before !== tf.getBackend() && tf.findBackend(before)) void tf.setBackend(before);
  };
}
