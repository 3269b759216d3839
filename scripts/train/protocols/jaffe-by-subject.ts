import { foldSets } from '../data/folds.js';
import { numbered, POOLED, type Protocol } from './protocol.js';
import { subjectsOf } from './subjects.js';

/** Runs need someone to learn from, someone to choose by and someone to measure. */
const LEAST = 3;

/** JAFFE, leave one subject out. */
export const jaffeBySubject: Protocol = {
  about:
    'One fold a subject. Of each run one subject is measured, the next one chooses the epoch, the others teach; the ' +
    'scores are not calibrated, since one subject is too few pictures to fit a calibration on.',
  data: ['jaffe'],
  leaks: null,
  folds: (set) => numbered(foldSets(set, Uint8Array.from(subjectsOf(set, LEAST)))),
  parts: POOLED,
};
