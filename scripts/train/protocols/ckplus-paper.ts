import { cropsOf, type DataSet, findCopies } from '../data/pack.js';
import { augment } from '../engines/tfjs/augment.js';
import { Random } from '../engines/tfjs/random.js';
import { POOLED, type Protocol } from './protocol.js';

/** Pictures after augmentation, and how many of them choose and measure; the rest teaches (section 4.4). */
const [TOTAL, VALIDATION, TEST] = [12_000, 1500, 1500];

/** "Rotation, horizontal flipping, and vertical flipping"; the paper gives no angle. */
const CHANGES = {
  rotation: 15,
  scale: 0,
  shift: 0,
  horizontalFlip: 0.5,
  verticalFlip: 0.5,
  brightness: 0,
  contrast: 0,
  erasing: 0,
  mixup: 0,
  cutmix: 0,
};

/** The pictures themselves, then changed copies of them in turn until there are 12,000. */
function expand(set: DataSet, random: Random): DataSet {
  const count = set.labels.length;
  const sources = Array.from({ length: Math.max(TOTAL, count) }, (_, at) => at % count);
  const copies = cropsOf(set.images, sources.slice(count));
  const images = new Uint8Array(sources.length * (set.images.length / count));
  images.set(set.images);
  images.set(augment(copies, 48, CHANGES, random).map(Math.round), set.images.length);
  const votes = set.votes.length / count;
  return {
    images,
    labels: Uint8Array.from(sources, (row) => set.labels[row] as number),
    splits: new Uint8Array(sources.length),
    copies: new Uint8Array(sources.length),
    votes: Uint8Array.from(sources.flatMap((row) => [...set.votes.subarray(row * votes, (row + 1) * votes)])),
  };
}

function splitAtRandom(set: DataSet, random: Random): DataSet {
  const splits = new Uint8Array(set.labels.length);
  random.permutation(splits.length).forEach((row, place) => {
    splits[row] = place < VALIDATION ? 1 : place < VALIDATION + TEST ? 2 : 0;
  });
  return { ...set, splits, copies: findCopies(set.images, splits) };
}

/** The paper's own protocol on CK+ (section 4.4), which measures faces that the network has learnt. */
export const ckplusPaper: Protocol = {
  about:
    'Augmented by rotation (up to 15 degrees, ours: the paper gives no angle) and flips to 12,000 pictures, of which ' +
    '9000 drawn at random teach, 1500 choose the epoch and fit the calibration, and 1500 are measured.',
  data: ['ckplus', 'ckplus48'],
  leaks: 'copies of one face on both sides',
  folds: (set, seed) => {
    const random = new Random(seed);
    return [{ name: 'random', set: splitAtRandom(expand(set, random), random) }];
  },
  parts: POOLED,
};
