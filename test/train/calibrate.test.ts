import { beforeAll, describe, expect, it } from 'vitest';
import { fitTemperature, foldTemperature, temper } from '../../scripts/train/calibrate.js';
import { loadAssets } from '../../src/assets/node.js';
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

describe('fitTemperature', () => {
  const { scores, labels } = drawn(20_000);

  it('leaves calibrated scores as they are', () => {
    expect(fitTemperature(scores, labels)).toBeCloseTo(1, 1);
  });

  it('says nothing of fewer than a hundred faces', () => {
    const few = temper(scores.subarray(0, 7 * 100), 2);
    expect(fitTemperature(few.subarray(0, 7 * 99), labels.slice(0, 99))).toBe(1);
    expect(fitTemperature(few, labels.slice(0, 100))).toBeLessThan(0.8);
  });

  it.each([0.5, 2.5])('finds what undoes a temperature of %d', (temperature) => {
    expect(fitTemperature(temper(scores, temperature), labels) * temperature).toBeCloseTo(1, 1);
  });
});

describe('foldTemperature', () => {
  let assets: Assets;
  beforeAll(async () => {
    assets = await loadAssets();
  });

  it('gives the plan the tempered scores', async () => {
    const backend = await createBackend('wasm', assets);
    const arch = table1({ side: 48 });
    const weights = livelyWeights(arch);
    const crops = Uint8Array.from({ length: 3 * 48 * 48 }, () => Math.floor((random() + 1) * 128));
    const scoresOf = (w: typeof weights) => {
      const classifier = createClassifier(
        { name: 'random', version: '0', architecture: arch, weights: encodeSafetensors(w) },
        backend,
      );
      const scores = classifier.classify(crops);
      classifier.dispose();
      return scores;
    };
    const plain = scoresOf(weights);
    const folded = scoresOf(foldTemperature(weights, arch, 3));
    const expected = temper(plain, 3);
    folded.forEach((score, i) => {
      expect(score).toBeCloseTo(expected[i] as number, 4);
    });
    expect(Math.max(...plain.map((score, i) => Math.abs(score - (folded[i] as number))))).toBeGreaterThan(
      0.01,
    );
  });
});
