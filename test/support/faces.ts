import { CROP_BYTES, type DataSet, findCopies } from '../../scripts/train/data/pack.js';
import { randomNumbers } from './random.js';

/**
 * A generated data set that a network can learn: the class decides where in the picture a bright bar lies.
 * @param training number of Training pictures; a quarter as many each are PublicTest and PrivateTest
 */
export function generatedFaces(training: number): DataSet {
  const random = randomNumbers(11);
  const splits = Uint8Array.from({ length: training * 1.5 }, (_, i) =>
    i < training ? 0 : i < training * 1.25 ? 1 : 2,
  );
  const labels = Uint8Array.from(splits, (_, i) => i % 7);
  const images = Uint8Array.from({ length: splits.length * CROP_BYTES }, (_, i) => {
    const row = Math.floor((i % CROP_BYTES) / 48);
    const bright = Math.floor(row / 7) === labels[Math.floor(i / CROP_BYTES)];
    return (bright ? 180 : 70) + Math.floor(random() * 50);
  });
  const votes = new Uint8Array(splits.length * 10).map(
    (_, i) => Number(i % 10 === labels[Math.floor(i / 10)]) * 10,
  );
  return { images, labels, splits, votes, copies: findCopies(images, splits) };
}
