import { dealFolds, foldSets } from '../data/folds.js';
import { numbered, POOLED, type Protocol } from './protocol.js';
import { subjectsOf } from './subjects.js';

/** CK+ by people: what a network knows of faces it has never seen. */
export const ckplus10Fold: Protocol = {
  about:
    'Ten folds of subjects, each subject in one fold alone, classes as even as that allows. Of each run one fold is ' +
    'measured, the next one chooses the epoch and, from a hundred pictures on, fits the calibration, eight teach; the scores ' +
    'of a run whose fold has fewer are not calibrated.',
  data: ['ckplus', 'ckplus48'],
  leaks: null,
  folds: (set, seed) => numbered(foldSets(set, dealFolds(set.labels, subjectsOf(set, 10), 10, seed))),
  parts: POOLED,
};
