import { beforeAll, describe, expect, it } from 'vitest';
import {
  AS_LEARNED,
  calibrate,
  fitCalibration,
  foldCalibration,
  logShares,
} from '../../scripts/train/calibrate.js';
import { loadAssets } from '../../src/assets/node.js';
import type { Architecture } from '../../src/model/architecture.js';
import type { Assets } from '../../src/model/assets.js';
import { createBackend } from '../../src/model/backends/index.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { table1 } from '../../src/model/table1.js';
import { encodeSafetensors } from '../../src/model/weights.js';
import { livelyWeights } from '../support/networks.js';
import { randomNumbers } from '../support/random.js';

const random = randomNumbers(5);

/** Scores, and labels drawn by these very scores: perfectly calibrated. */
function drawn(count: number) {
  const labels: number[] = [];
  const scores = Float32Array.from({ length: 7 * count }, () => Math.exp(2 * random()));
  for (let i = 0; i < count; i++) {
    const row = scores.subarray(7 * i, 7 * i + 7);
    const sum = row.reduce((a, b) => a + b, 0);
    row.forEach((value, c) => {
      row[c] = value / sum;
    });
    const draw = (random() + 1) / 2;
    let reached = 0;
    const label = row.findIndex((share) => {
      reached += share;
      return draw < reached;
    });
    labels.push(Math.max(0, label));
  }
  return { scores, labels };
}

/** As many happy faces as all others together. */
const SHARES = [1, 1, 1, 6, 1, 1, 1].map((count) => Math.log(count / 12));

describe('fitCalibration', () => {
  const { scores, labels } = drawn(6000);
  const fitted = (given: Float32Array, own = labels) => fitCalibration(given, own, SHARES);

  it('leaves calibrated scores as they are', () => {
    const { temperature, prior, smoothing } = fitted(scores);
    expect(temperature).toBeCloseTo(1, 1);
    expect(prior).toBeCloseTo(0, 1);
    expect(smoothing).toBeLessThan(0.05);
  });

  it('says nothing of fewer than a hundred faces', () => {
    const few = calibrate(scores, { ...AS_LEARNED, temperature: 2 }, SHARES).subarray(0, 7 * 100);
    expect(fitted(few.subarray(0, 7 * 99), labels.slice(0, 99))).toEqual(AS_LEARNED);
    expect(fitted(few, labels.slice(0, 100)).temperature).toBeLessThan(0.8);
  });

  it.each([0.5, 2.5])('finds what undoes a temperature of %d', (temperature) => {
    const found = fitted(calibrate(scores, { ...AS_LEARNED, temperature }, SHARES));
    expect(found.temperature * temperature).toBeCloseTo(1, 1);
    expect(found.prior).toBeCloseTo(0, 1);
  });

  it('finds what was taken from the frequent labels', () => {
    const found = fitted(calibrate(scores, { ...AS_LEARNED, prior: -0.5 }, SHARES));
    expect(found.temperature).toBeCloseTo(1, 1);
    expect(found.prior).toBeCloseTo(0.5, 1);
  });

  it.each([
    0.1, 0.3,
  ])('finds that labels were smoothed by %d, and every face keeps its best label', (smoothing) => {
    const smoothed = scores.map((score) => (1 - smoothing) * score + smoothing / 7);
    const found = fitted(smoothed);
    expect(found.smoothing).toBeCloseTo(smoothing, 1);
    expect(found.temperature).toBeCloseTo(1, 1);
    const exact = calibrate(smoothed, { ...AS_LEARNED, smoothing }, SHARES);
    exact.forEach((score, i) => {
      // A score that is hardly more than nothing keeps a hundredth of what smoothing made of it.
      expect(Math.abs(score - (scores[i] as number))).toBeLessThan(0.01);
    });
    const best = (all: Float32Array, face: number) => {
      const row = [...all.subarray(7 * face, 7 * face + 7)];
      return row.indexOf(Math.max(...row));
    };
    for (let face = 0; face < 1000; face++) expect(best(exact, face)).toBe(best(scores, face));
  });
});

describe('logShares', () => {
  it('counts Training alone, and no label less than once', () => {
    const labels = Uint8Array.from([3, 3, 0, 1, 1]);
    const [angry, disgust, , happy] = logShares({ labels, splits: Uint8Array.from([0, 0, 0, 1, 2]) });
    expect([angry, disgust, happy]).toEqual([1 / 3, 1 / 3, 2 / 3].map(Math.log));
  });
});

describe('foldCalibration', () => {
  let assets: Assets;
  beforeAll(async () => {
    assets = await loadAssets();
  });

  it.each([
    { maps: true, features: true, dropout: 0 },
    { maps: true, features: false, dropout: 0 },
    { maps: false, features: true, dropout: 0 },
  ])('gives the plan the calibrated scores, with the head %o', async (head) => {
    const backend = await createBackend('wasm', assets);
    const arch = table1({ side: 48, head });
    const weights = livelyWeights(arch);
    const crops = Uint8Array.from({ length: 3 * 48 * 48 }, () => Math.floor((random() + 1) * 128));
    const scoresOf = (w: typeof weights, architecture: Architecture = arch) => {
      const classifier = createClassifier(
        { name: 'random', version: '0', architecture, weights: encodeSafetensors(w) },
        backend,
      );
      const scores = classifier.classify(crops);
      classifier.dispose();
      return scores;
    };
    const calibration = { temperature: 3, prior: 0.7, smoothing: 0.2 };
    const plain = scoresOf(weights);
    const folded = scoresOf(foldCalibration(weights, arch, calibration, SHARES), { ...arch, smoothing: 0.2 });
    const expected = calibrate(plain, calibration, SHARES);
    folded.forEach((score, i) => {
      expect(score).toBeCloseTo(expected[i] as number, 4);
    });
    expect(Math.max(...plain.map((score, i) => Math.abs(score - (folded[i] as number))))).toBeGreaterThan(
      0.01,
    );
  });
});
