import { describe, expect, it } from 'vitest';
import { maskNeutral, zeroShotLeaks } from '../../../scripts/train/protocols/zero-shot.js';

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

describe('zeroShotLeaks', () => {
  const leaks = (learned: { data?: string; dataName?: string }, name: string) =>
    zeroShotLeaks(learned, { images: 'ab', name });

  it.each([
    [{ data: 'cd', dataName: 'fer2013' }, 'ckplus'],
    [{ data: 'cd', dataName: 'fer2013' }, 'folder'],
    [{ data: 'cd', dataName: 'folder' }, 'jaffe'],
    [{ data: 'cd' }, 'jaffe'],
    [{}, 'ckplus'],
  ])('are none where %j is measured on %s', (learned, name) => {
    expect(leaks(learned, name)).toBeNull();
  });

  it.each([
    [{ data: 'ab', dataName: 'folder' }, 'folder'],
    [{ data: 'ab' }, 'ckplus'],
    [{ data: 'cd', dataName: 'jaffe' }, 'jaffe'],
    [{ data: 'cd', dataName: 'ckplus48' }, 'ckplus'],
  ])('are a fault where %j is measured on %s', (learned, name) => {
    expect(() => leaks(learned, name)).toThrow('these weights have learned from');
  });

  it('may be where two folders are people’s own: nobody knows what they share', () => {
    expect(leaks({ data: 'cd', dataName: 'folder' }, 'folder')).toContain('perhaps some pictures');
  });
});
