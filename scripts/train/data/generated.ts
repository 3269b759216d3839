import { CROP_BYTES } from '../../../src/model/architecture.js';
import { LABELS } from '../../../src/model/labels.js';
import { Random } from '../engines/tfjs/random.js';
import { VOTES } from './fer2013.js';
import { type DataSet, findCopies } from './pack.js';

/**
 * A generated data set that a network can learn: the class decides where in the picture a bright bar lies.
 * @param training number of Training pictures; a quarter as many each are PublicTest and PrivateTest
 */
export function generatedFaces(training: number): DataSet {
  const random = new Random(11);
  const splits = Uint8Array.from({ length: training * 1.5 }, (_, i) =>
    i < training ? 0 : i < training * 1.25 ? 1 : 2,
  );
  const labels = Uint8Array.from(splits, (_, i) => i % LABELS.length);
  const images = Uint8Array.from({ length: splits.length * CROP_BYTES }, (_, i) => {
    const row = Math.floor((i % CROP_BYTES) / 48);
    const bright = Math.floor(row / LABELS.length) === labels[Math.floor(i / CROP_BYTES)];
    return Math.floor(random.uniform(-50, 50)) + (bright ? 180 : 70);
  });
  const votes = new Uint8Array(splits.length * VOTES.length).map(
    (_, i) => Number(i % VOTES.length === labels[Math.floor(i / VOTES.length)]) * 10,
  );
  return { images, labels, splits, votes, copies: findCopies(images, splits) };
}
