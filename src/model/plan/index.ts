import { CROP_BYTES, CROP_SIZE, parseArchitecture } from '../architecture.js';
import { computeOn } from '../backends/current.js';
import type { Backend } from '../backends/index.js';
import { enlarge } from '../enlarge.js';
import { MienError } from '../errors.js';
import { LABELS } from '../labels.js';
import type { Classifier, Explainer, ModelFiles } from '../model.js';
import { scoresOf } from '../scores.js';
import { decodeSafetensors } from '../weights.js';
import { plan } from './planner.js';

/**
 * Compiles a published model for a backend.
 * @throws {MienError} `invalid_architecture` or `invalid_weights`
 */
export function createClassifier(model: ModelFiles, backend: Backend): Classifier & Explainer {
  const architecture = parseArchitecture(model.architecture);
  const runner = computeOn(backend.engineName, () =>
    backend.compile(plan(architecture, decodeSafetensors(model.weights))),
  );
  const { side } = architecture;
  const batch = Math.max(1, Math.floor(backend.batchPixels / (side * side)));

  /** Hands on the crops, enlarged, a batch at a time. */
  function inBatches(
    crops: Uint8Array,
    each: (pictures: Float32Array, from: number, to: number) => void,
  ): void {
    const count = cropsIn(crops);
    computeOn(backend.engineName, () => {
      for (let from = 0; from < count; from += batch) {
        const to = Math.min(count, from + batch);
        each(enlarge(crops.subarray(from * CROP_BYTES, to * CROP_BYTES), side), from, to);
      }
    });
  }

  return {
    classify(crops) {
      const logits = new Float32Array(cropsIn(crops) * LABELS.length);
      inBatches(crops, (pictures, from, to) => {
        logits.set(runner.run(pictures, to - from), from * LABELS.length);
      });
      return scoresOf(logits, architecture.smoothing);
    },
    evidence(crops, labels) {
      const cells = side * side;
      const values = new Float32Array(cropsIn(crops) * cells);
      inBatches(crops, (pictures, from, to) => {
        const all = runner.evidence(pictures, to - from);
        for (let crop = from; crop < to; crop++) {
          const own = all.subarray((crop - from) * cells * LABELS.length);
          values.set(centred(own, labels[crop] as number, cells), crop * cells);
        }
      });
      return { side, values };
    },
    dispose: () => runner.dispose(),
  };
}

function cropsIn(crops: Uint8Array): number {
  if (crops.length % CROP_BYTES)
    throw new MienError('invalid_image', `crops must be ${CROP_SIZE}×${CROP_SIZE} bytes each`);
  return crops.length / CROP_BYTES;
}

/** One label of float32 [cells, 7], less the mean of all labels. */
function centred(all: Float32Array, label: number, cells: number): Float32Array {
  const out = new Float32Array(cells);
  for (let cell = 0; cell < cells; cell++) {
    const labels = all.subarray(cell * LABELS.length, (cell + 1) * LABELS.length);
    out[cell] = (labels[label] as number) - labels.reduce((sum, value) => sum + value, 0) / LABELS.length;
  }
  return out;
}
