import { describe, expect, it } from 'vitest';
import { maskNeutral } from '../../../scripts/train/protocols/zero-shot.js';

describe('maskNeutral', () => {
  it('shares the neutral score among the others in proportion', () => {
    const scores = Float32Array.of(0.1, 0, 0.1, 0.2, 0.05, 0.05, 0.5, 1, 0, 0, 0, 0, 0, 0);
    const masked = [...maskNeutral(scores)];
    [0.2, 0, 0.2, 0.4, 0.1, 0.1, 0, 1, 0, 0, 0, 0, 0, 0].forEach((value, at) => {
      expect(masked[at]).toBeCloseTo(value, 6);
    });
  });

  it('knows nothing of a face that is all neutral', () => {
    const masked = maskNeutral(Float32Array.of(0, 0, 0, 0, 0, 0, 1));
    expect([...masked]).toEqual([...new Array(6).fill(Math.fround(1 / 6)), 0]);
  });
});
