import { LABELS } from '../../../src/model/labels.js';
import type { Protocol } from './protocol.js';

const NEUTRAL = LABELS.indexOf('neutral');

/** Takes the neutral score away and shares what is left among the others, to sum 1: float32 [n, 7]. */
export function maskNeutral(scores: Float32Array): Float32Array {
  return scores.map((score, at) => {
    const label = at % LABELS.length;
    const neutral = scores[at - label + NEUTRAL] as number;
    if (label === NEUTRAL) return 0;
    return neutral < 1 ? score / (1 - neutral) : 1 / (LABELS.length - 1);
  });
}

/** Another data set by weights that have not seen it: what a network knows beyond the pictures it was trained on. */
export const zeroShot: Protocol = {
  about:
    'Every picture, by weights trained on another data set; nothing is trained, chosen or calibrated here. Masked: ' +
    'neutral pictures left out, the neutral score removed and the rest made to sum 1.',
  data: ['ckplus', 'ckplus48', 'jaffe'],
  leaks: null,
  folds: null,
  parts: [
    { on: 'every picture, neutral kept', holds: () => true },
    {
      on: 'neutral masked',
      holds: (set, row) => set.labels[row] !== NEUTRAL,
      change: maskNeutral,
    },
  ],
};
