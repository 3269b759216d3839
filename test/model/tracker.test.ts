import { describe, expect, test } from 'vitest';
import { LABELS } from '../../src/model/labels.js';
import type { RecognizedFace } from '../../src/model/recognizer.js';
import { createTracker } from '../../src/model/tracker.js';

/** A face at x whose score for `happy` is as said, the rest shared by the others. */
function face(x: number, happy = 0.4, width = 0.2): RecognizedFace {
  const other = (1 - happy) / 6;
  const expressions = LABELS.map((label) => ({ label, score: label === 'happy' ? happy : other }));
  expressions.sort((one, two) => two.score - one.score);
  return { box: { x, y: 0.1, width, height: 0.2 }, confidence: 0.9, roll: 0, expressions };
}
const score = (of: RecognizedFace | undefined, label: string) =>
  of?.expressions.find((one) => one.label === label)?.score;

describe('a tracker', () => {
  test('gives a face that moves little the same track, and a new face a new one', () => {
    const tracker = createTracker();
    expect(tracker.update([face(0.1)])).toEqual([{ ...face(0.1), track: 1 }]);
    expect(tracker.update([face(0.6), face(0.14)]).map(({ track }) => track)).toEqual([2, 1]);
    expect(tracker.update([face(0.18), face(0.62)]).map(({ track }) => track)).toEqual([1, 2]);
  });

  test('takes a jump of more than one and a half widths, or to another size, for another face', () => {
    const second = (moved: RecognizedFace) => {
      const tracker = createTracker();
      tracker.update([face(0.1)]);
      return tracker.update([moved])[0]?.track;
    };
    expect(second(face(0.39))).toBe(1);
    expect(second(face(0.41))).toBe(2);
    // The middle is 0.19 further, but the box is half as wide again.
    expect(second(face(0.24, 0.4, 0.3))).toBe(2);
    expect(second(face(0.24, 0.4, 0.27))).toBe(1);
  });

  test('follows a face that moves on by more than its width a frame', () => {
    const tracker = createTracker();
    for (let frame = 0; frame < 8; frame++) expect(tracker.update([face(0.25 * frame)])[0]?.track).toBe(1);
    // It turns back: as far as from where it was it may jump.
    expect(tracker.update([face(0.25 * 6)])[0]?.track).toBe(1);
  });

  test('gives two faces that cross their own tracks, and their own scores', () => {
    const tracker = createTracker({ smoothing: 0.9 });
    for (let frame = 0; frame < 10; frame++) {
      const [right, left] = tracker.update([face(0.07 * frame, 0.9), face(0.65 - 0.07 * frame, 0.1)]);
      expect([right?.track, left?.track]).toEqual([1, 2]);
      expect(score(right, 'happy')).toBeCloseTo(0.9, 10);
      expect(score(left, 'happy')).toBeCloseTo(0.1, 10);
    }
  });

  test('takes what a face has moved while it was missing for several frames', () => {
    const tracker = createTracker();
    tracker.update([face(0)]);
    tracker.update([face(0.25)]);
    for (let frame = 0; frame < 2; frame++) tracker.update([]);
    expect(tracker.update([face(1)])[0]?.track).toBe(1);
    // It goes on by a quarter again, not by three; the other overlaps with where it was.
    expect(tracker.update([face(1.1), face(1.25)]).map(({ track }) => track)).toEqual([2, 1]);
  });

  test.each([
    ['where it would be', 0.1 + 4 * 0.15],
    ['where it was', 0.1 + 0.15],
  ])('expects a face that was missing for two frames %s', (_, x) => {
    const tracker = createTracker();
    tracker.update([face(0.1)]);
    tracker.update([face(0.1 + 0.15)]);
    for (let frame = 0; frame < 2; frame++) tracker.update([]);
    expect(tracker.update([face(x)])[0]?.track).toBe(1);
  });

  test('gives a jump to the nearest, after those that have hardly moved', () => {
    const tracker = createTracker();
    tracker.update([face(0.1), face(0.6)]);
    expect(tracker.update([face(0.62), face(0.35)]).map(({ track }) => track)).toEqual([2, 1]);
  });

  test('gives a track to the face that overlaps it most', () => {
    const tracker = createTracker();
    tracker.update([face(0.1), face(0.2)]);
    expect(tracker.update([face(0.19), face(0.11)]).map(({ track }) => track)).toEqual([2, 1]);
    // One alone between them is the nearer one's.
    expect(tracker.update([face(0.17)]).map(({ track }) => track)).toEqual([2]);
  });

  test('waits five frames for a face, and no more', () => {
    const tracker = createTracker();
    tracker.update([face(0.1)]);
    for (let frame = 0; frame < 5; frame++) expect(tracker.update([])).toEqual([]);
    expect(tracker.update([face(0.1)])[0]?.track).toBe(1);
    for (let frame = 0; frame < 6; frame++) tracker.update([]);
    expect(tracker.update([face(0.1)])[0]?.track).toBe(2);
  });

  test('leaves scores alone unless it is to smooth them', () => {
    const tracker = createTracker();
    tracker.update([face(0.1, 0.9)]);
    expect(tracker.update([face(0.1, 0.05)])[0]?.expressions).toEqual(face(0.1, 0.05).expressions);
  });

  test('smooths exponentially, from the first frame on, best first', () => {
    const tracker = createTracker({ smoothing: 0.75 });
    expect(score(tracker.update([face(0.1, 0.8)])[0], 'happy')).toBe(0.8);
    const [second] = tracker.update([face(0.1, 0)]);
    expect(score(second, 'happy')).toBeCloseTo(0.6, 12);
    const [third] = tracker.update([face(0.1, 0)]);
    expect(score(third, 'happy')).toBeCloseTo(0.45, 12);
    expect(third?.expressions[0]?.label).toBe('happy');
    expect(third?.expressions.reduce((sum, one) => sum + one.score, 0)).toBeCloseTo(1, 12);
    for (let frame = 0; frame < 10; frame++) tracker.update([face(0.1, 0)]);
    expect(tracker.update([face(0.1, 0)])[0]?.expressions[0]?.label).not.toBe('happy');
  });

  test('keeps what it smooths of one face from another', () => {
    const tracker = createTracker({ smoothing: 0.5 });
    tracker.update([face(0.1, 1), face(0.6, 0)]);
    const [other, one] = tracker.update([face(0.6, 0.5), face(0.1, 0.5)]);
    expect([score(one, 'happy'), score(other, 'happy')]).toEqual([0.75, 0.25]);
  });
});
