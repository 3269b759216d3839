/** What the paper reports: Tables 2 to 4 and the text of sections 4.3 to 4.6. Rows are the truth, columns the answer. */
import type { Label } from '../../src/model/labels.js';

/** Where it stands, in Markdown. */
export const PAPER =
  'article 5608340 of Mobile Information Systems, 2021: [doi:10.1155/2021/5608340](https://doi.org/10.1155/2021/5608340)';

/** Table 2, JAFFE, in the order of LABELS; the paper prints "sad" before "happy". */
export const PAPER_JAFFE = [
  [26, 2, 0, 0, 1, 0, 1],
  [0, 24, 1, 0, 3, 1, 0],
  [3, 0, 26, 0, 2, 1, 0],
  [0, 0, 0, 27, 1, 1, 2],
  [2, 1, 0, 0, 26, 1, 1],
  [1, 0, 6, 0, 1, 22, 0],
  [0, 0, 1, 4, 1, 0, 24],
];

/**
 * Table 3, FER2013, in the order of LABELS. As printed, "happy" and "sad" are exchanged: the row called sad adds up to
 * 1774 faces and the one called happy to 1247, while the test images hold 1774 happy and 1247 sad ones. Put right here.
 */
export const PAPER_FER2013 = [
  [711, 12, 58, 32, 76, 16, 53],
  [17, 82, 4, 2, 3, 1, 2],
  [35, 22, 744, 48, 54, 63, 58],
  [29, 3, 33, 1555, 67, 29, 58],
  [67, 2, 58, 62, 942, 18, 98],
  [14, 3, 33, 26, 12, 725, 18],
  [41, 2, 35, 44, 156, 20, 935],
];

/** Section 4.4: precision on CK+, percent, on images drawn at random after augmentation. Recall is only drawn (Figure 8). */
export const PAPER_CK_PRECISION: Record<Label, number> = {
  angry: 87.5,
  disgust: 93.08,
  fear: 71.01,
  happy: 94.44,
  sad: 78.82,
  surprise: 93.7,
  neutral: 66.67,
};

/** Table 4, percent. What it calls precision is accuracy over all 7178 test images; its average recall is macro recall. */
export const PAPER_TABLE_4 = [
  { model: 'CNNs', accuracy: 60.52, macroRecall: 62.84 },
  { model: 'ResNet', accuracy: 69.67, macroRecall: 70.38 },
  { model: "the paper's network", accuracy: 79.33, macroRecall: 78.15 },
];
