import { setImmediate as turn } from 'node:timers/promises';
import { CROP_BYTES } from '../model/architecture.js';
import type { Evidence, Explainer } from '../model/model.js';
import type { RecognizerParts } from '../model/recognizer.js';

/** Faces whose maps are computed at once: fewer would leave cores idle. */
const MAPS = 4;

/** Between a few faces and the next ones others' requests have their turn: a map takes longer than a score. */
export const inTurns = (explainer: Explainer): RecognizerParts['explainer'] => ({
  async evidence(crops, labels) {
    const parts: Evidence[] = [];
    for (let at = 0; at < labels.length; at += MAPS) {
      await turn();
      const some = crops.subarray(at * CROP_BYTES, (at + MAPS) * CROP_BYTES);
      parts.push(explainer.evidence(some, labels.slice(at, at + MAPS)));
    }
    const side = parts[0]?.side ?? 0;
    const values = new Float32Array(labels.length * side * side);
    for (const [index, part] of parts.entries()) values.set(part.values, index * MAPS * side * side);
    return { side, values };
  },
});
