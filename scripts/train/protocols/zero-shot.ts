import { MienError } from '../../../src/model/errors.js';
import { LABELS } from '../../../src/model/labels.js';
import type { Index } from '../data/pack.js';
import type { LearnedData } from '../training-record.js';
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

/** What prepare-data calls pictures of one's own, whichever they are. */
const OWN = 'folder';

/** CK+ has two forms, of the same people. */
const origin = (name: string) => (name === 'ckplus48' ? 'ckplus' : name);

/**
 * What may stand on both sides where weights are measured on a data set that has taught them nothing; null where nothing does,
 * as far as that is known.
 * @throws {MienError} `invalid_data` where it has taught them
 */
export function zeroShotLeaks(
  { data, dataName = '' }: LearnedData,
  { images, name }: Pick<Index, 'images' | 'name'>,
): string | null {
  if (data === images || (name !== OWN && origin(dataName) === origin(name)))
    throw new MienError(
      'invalid_data',
      `these weights have learned from ${dataName || name}, so it is no other data set to them: evaluate measures them on it`,
    );
  return dataName === name
    ? 'perhaps some pictures: the weights have learned from a folder of their own'
    : null;
}

/** Another data set by weights that have not seen it: what a network knows beyond the pictures it was trained on. */
export const zeroShot: Protocol = {
  about:
    'Every picture, by weights trained on another data set; nothing is trained, chosen or calibrated here. Masked: ' +
    'neutral pictures left out, the neutral score removed and the rest made to sum 1.',
  data: ['ckplus', 'ckplus48', 'jaffe', OWN],
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
