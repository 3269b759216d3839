import * as tf from '@tensorflow/tfjs-core';
import { loadAssets } from '../../../src/assets/node.js';
import { CROP_BYTES, parseArchitecture } from '../../../src/model/architecture.js';
import { createBackend } from '../../../src/model/backends/index.js';
import { enlarge } from '../../../src/model/enlarge.js';
import type { ModelFiles } from '../../../src/model/model.js';
import { Network } from '../../../src/model/network.js';
import { scoresOf } from '../../../src/model/scores.js';
import { decodeSafetensors } from '../../../src/model/weights.js';
import { memory } from './mien.js';
import type { Subject } from './subject.js';

/**
 * The network as it stands in Table 1, written with tfjs's public operations and nothing else: groups are split, convolved
 * and joined, batch norm and padding are operations of their own. It is the training form, which infers so too.
 */
export async function stockOperations(model: ModelFiles): Promise<Subject> {
  await createBackend('wasm', await loadAssets());
  const architecture = parseArchitecture(model.architecture);
  const network = new Network(architecture, decodeSafetensors(model.weights));
  const { side } = architecture;
  return {
    classify: (crops) =>
      tf.tidy(() => {
        const pictures = tf.tensor4d(enlarge(crops, side), [crops.length / CROP_BYTES, side, side, 1]);
        return scoresOf(network.forward(pictures).logits.dataSync<'float32'>(), architecture.smoothing);
      }),
    memory,
  };
}
