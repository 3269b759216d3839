import type { Part, Protocol } from './protocol.js';

const isTest = (split: number | undefined) => split === 1 || split === 2;

/** The official splits' figures, also of networks that are trained already (`evaluate --split test`). */
export const TEST_PARTS: readonly Part[] = [
  { on: 'PublicTest and PrivateTest', holds: (set, row) => isTest(set.splits[row]) },
  { on: 'PublicTest, which chose the weights', holds: (set, row) => set.splits[row] === 1 },
  { on: 'PrivateTest', holds: (set, row) => set.splits[row] === 2 },
  {
    on: 'PublicTest and PrivateTest without copies of training images',
    holds: (set, row) => isTest(set.splits[row]) && set.copies[row] === 0,
  },
];

/** FER2013's official splits (paper, section 4.6: 7178 test images, PublicTest and PrivateTest together). */
export const fer2013: Protocol = {
  about:
    'Trained on Training; PublicTest chooses the epoch and fits the calibration; measured on PrivateTest, on all test ' +
    'images, and without those that are byte-identical to a training image.',
  data: ['fer2013'],
  leaks: null,
  folds: (set) => [{ name: 'official', set }],
  parts: TEST_PARTS,
};
