import { CROP_SIZE, parseArchitecture } from '../architecture.js';
import { enlarge } from '../enlarge.js';
import { MienError } from '../errors.js';
import { LABELS } from '../labels.js';
import type { Classifier, ModelFiles } from '../model.js';
import { decodeSafetensors } from '../weights.js';
import { Executor } from './executor.js';
import { plan } from './planner.js';

const CROP_BYTES = CROP_SIZE * CROP_SIZE;

/** Pixels of enlarged crops that one pass may hold, so that memory does not grow with the number of faces. */
const BATCH_PIXELS = 16 * 96 * 96;

/** float32 [n, 7]: each row's exponentials over their sum, in double precision. */
function softmax(logits: Float32Array): Float32Array {
  const out = new Float32Array(logits.length);
  for (let at = 0; at < logits.length; at += LABELS.length) {
    const row = logits.subarray(at, at + LABELS.length);
    const highest = Math.max(...row);
    const powers = Array.from(row, (logit) => Math.exp(logit - highest));
    const sum = powers.reduce((a, b) => a + b, 0);
    out.set(
      powers.map((power) => power / sum),
      at,
    );
  }
  return out;
}

/**
 * Compiles a published model for the current tfjs backend (createBackend makes one current).
 * @throws {MienError} `invalid_architecture` or `invalid_weights`
 */
export function createClassifier(model: ModelFiles): Classifier {
  const architecture = parseArchitecture(model.architecture);
  const executor = new Executor(plan(architecture, decodeSafetensors(model.weights)));
  const { side } = architecture;
  const batch = Math.max(1, Math.floor(BATCH_PIXELS / (side * side)));
  return {
    classify(crops) {
      if (crops.length % CROP_BYTES)
        throw new MienError('invalid_image', `crops must be ${CROP_SIZE}×${CROP_SIZE} bytes each`);
      const count = crops.length / CROP_BYTES;
      const logits = new Float32Array(count * LABELS.length);
      for (let from = 0; from < count; from += batch) {
        const to = Math.min(count, from + batch);
        const pictures = enlarge(crops.subarray(from * CROP_BYTES, to * CROP_BYTES), side);
        logits.set(executor.run(pictures, to - from), from * LABELS.length);
      }
      return softmax(logits);
    },
    dispose: () => executor.dispose(),
  };
}
