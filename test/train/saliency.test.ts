/**
 * That saliency means something, on real faces: without its most salient tenth a face scores lower than without a
 * tenth chosen at random. Needs data/fer2013 (npm run prepare-data).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readDataSet, rowsOf } from '../../scripts/train/data/pack.js';
import { spread } from '../../scripts/train/scoring.js';
import { loadAssets } from '../../src/assets/node.js';
import { loadModel } from '../../src/assets/node-model.js';
import { createFirstBackend } from '../../src/model/backends/index.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { randomNumbers } from '../support/random.js';

const data = 'data/fer2013';
const folder = 'models/mien-v1';
const present = existsSync(join(data, 'index.json')) && existsSync(join(folder, 'metrics.json'));
if (!present)
  console.warn(`skipped: saliency on FER2013; it needs ${data} (npm run prepare-data) and ${folder}`);

const FACES = 500;
const SIDE = 48;
const CELLS = SIDE * SIDE;
const TENTH = CELLS / 10;
const random = randomNumbers(11);

/** Averages float32 [side, side] to the crop's 48×48. */
function toCrop(values: Float32Array, side: number): Float64Array {
  const step = side / SIDE;
  const sums = new Float64Array(CELLS);
  values.forEach((value, at) => {
    const cell = Math.floor(Math.floor(at / side) / step) * SIDE + Math.floor((at % side) / step);
    sums[cell] = (sums[cell] as number) + value;
  });
  return sums;
}

/** The cells with the highest values. */
const highest = (values: ArrayLike<number>) =>
  Array.from({ length: CELLS }, (_, cell) => cell)
    .sort((one, other) => (values[other] as number) - (values[one] as number))
    .slice(0, TENTH);

/** The same shape elsewhere: what leaves one side comes in at the other. */
function moved(cells: number[]): number[] {
  const [down, across] = [random(), random()].map((value) => Math.floor(((value + 1) / 2) * SIDE)) as [
    number,
    number,
  ];
  return cells.map((cell) => ((Math.floor(cell / SIDE) + down) % SIDE) * SIDE + ((cell + across) % SIDE));
}

/** The crop with these cells replaced by its mean. */
function without(crop: Uint8Array, cells: number[]): Uint8Array {
  const out = crop.slice();
  const mean = Math.round(crop.reduce((sum, value) => sum + value, 0) / CELLS);
  for (const cell of cells) out[cell] = mean;
  return out;
}

it.skipIf(!present)(
  `deleting the most salient tenth of ${FACES} faces lowers their scores more than a random tenth`,
  async () => {
    const set = readDataSet(data);
    const rows = spread(rowsOf(set, 'PublicTest'), FACES);
    // Both give the same evidence (native.test.ts); the first needs half the time.
    const backend = await createFirstBackend(['node', 'wasm'], await loadAssets(), (_, reason) =>
      console.log(reason),
    );
    const classifier = createClassifier(await loadModel(folder), backend);
    const drops = { salient: 0, moved: 0, scattered: 0 };
    for (const row of rows) {
      const crop = set.images.slice(row * CELLS, (row + 1) * CELLS);
      const scores = classifier.classify(crop);
      const label = scores.indexOf(Math.max(...scores));
      const { side, values } = classifier.evidence(crop, [label]);
      const salient = highest(toCrop(values, side));
      const scattered = highest(Float64Array.from({ length: CELLS }, () => random()));
      const variants = { salient, moved: moved(salient), scattered };
      const crops = Object.values(variants).flatMap((cells) => [...without(crop, cells)]);
      const after = classifier.classify(Uint8Array.from(crops));
      (Object.keys(variants) as (keyof typeof variants)[]).forEach((name, index) => {
        drops[name] += ((scores[label] as number) - (after[index * 7 + label] as number)) / FACES;
      });
    }
    classifier.dispose();
    console.log('mean drop of the best label’s score:', drops);
    expect(drops.moved).toBeGreaterThan(0);
    expect(drops.salient).toBeGreaterThan(1.25 * drops.scattered);
    expect(drops.salient).toBeGreaterThan(2 * drops.moved);
  },
  300_000,
);
