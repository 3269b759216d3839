import { describe, expect, it } from 'vitest';
import { measure } from '../../scripts/train/metrics.js';

/** A row that gives `score` to one class and shares the rest among the others. */
const row = (answer: number, score: number) =>
  Array.from({ length: 7 }, (_, c) => (c === answer ? score : (1 - score) / 6));

describe('measure', () => {
  // Truth and answer of five faces: angry right, angry as fear, happy right twice, sad as happy.
  const labels = [0, 0, 3, 3, 4];
  const answers = [0, 2, 3, 3, 3];
  const metrics = measure(Float32Array.from(answers.flatMap((answer) => row(answer, 0.5))), labels);

  it('counts rows by truth, columns by answer', () => {
    expect(metrics.confusion[0]).toEqual([1, 0, 1, 0, 0, 0, 0]);
    expect(metrics.confusion[4]).toEqual([0, 0, 0, 1, 0, 0, 0]);
    expect(metrics.count).toBe(5);
  });

  it('gives accuracy, and recall averaged over the classes that occur', () => {
    expect(metrics.accuracy).toBeCloseTo(3 / 5, 10);
    expect(metrics.macroRecall).toBeCloseTo((1 / 2 + 1 + 0) / 3, 10);
    expect(metrics.perClass.happy).toEqual({ support: 2, precision: 2 / 3, recall: 1 });
    expect(metrics.perClass.disgust).toEqual({ support: 0, precision: null, recall: null });
  });

  it('gives the calibration error: 0.5 said, 0.6 right', () => {
    expect(metrics.ece).toBeCloseTo(0.1, 6);
  });

  it('gives the reliability of each of 15 bins', () => {
    const { reliability } = metrics;
    expect(reliability).toHaveLength(15);
    expect(reliability[7]).toEqual({ count: 5, score: expect.closeTo(0.5, 6), accuracy: 3 / 5 });
    expect(reliability[0]).toEqual({ count: 0, score: null, accuracy: null });
  });

  it('weights the calibration error of two bins by their counts', () => {
    // Four faces said at 0.9 and all right, one said at 0.5 and wrong.
    const scores = Float32Array.from([0, 0, 0, 0].flatMap(() => row(0, 0.9)).concat(row(1, 0.5)));
    expect(measure(scores, [0, 0, 0, 0, 0]).ece).toBeCloseTo((4 * 0.1 + 1 * 0.5) / 5, 6);
  });

  it('gives the mean negative log-likelihood', () => {
    const rest = 0.5 / 6;
    expect(metrics.loss).toBeCloseTo(-(3 * Math.log(0.5) + 2 * Math.log(rest)) / 5, 6);
  });
});
