import { dealFolds, foldSets } from '../data/folds.js';
import { numbered, POOLED, type Protocol } from './protocol.js';

/** JAFFE by pictures, as most papers that report about 90 % and more on it do. */
export const jaffe10Fold: Protocol = {
  about:
    'Ten folds of pictures, classes even. Of each run one fold is measured, the next one chooses the epoch, eight teach; ' +
    'the scores are not calibrated, since one fold is too few pictures to fit a calibration on.',
  data: ['jaffe'],
  leaks: 'other pictures of the same people on both sides',
  folds: (set, seed) => numbered(foldSets(set, dealFolds(set.labels, [...set.labels.keys()], 10, seed))),
  parts: POOLED,
};
