import * as tf from '@tensorflow/tfjs-core';
import { loadAssets } from '../../../src/assets/node.js';
import { type BackendName, createBackend } from '../../../src/model/backends/index.js';
import type { ModelFiles } from '../../../src/model/model.js';
import { createClassifier } from '../../../src/model/plan/index.js';
import type { Subject } from './subject.js';

/** The plan, as it serves. */
export async function plan(model: ModelFiles, backend: BackendName): Promise<Subject> {
  const classifier = createClassifier(model, await createBackend(backend, await loadAssets()));
  return { classify: (crops) => classifier.classify(crops), ...(backend === 'wasm' && { memory }) };
}

/** Bytes that tfjs's wasm backend has taken. */
export const memory = (): number =>
  (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.length;
