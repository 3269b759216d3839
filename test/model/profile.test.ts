import { describe, expect, test } from 'vitest';
import { turnedByMouth } from '../../src/model/face/profile.js';
import type { Point } from '../../src/model/face.js';

/** Of a face 100 pixels wide around (200, 150), upright: its eyes so far apart, its mouth 40 pixels below them. */
const face = (distance: number, degrees: number): [eyes: [Point, Point], mouth: Point] => {
  const turn = (x: number, y: number): Point => {
    const radians = (degrees * Math.PI) / 180;
    return {
      x: 200 + x * Math.cos(radians) - y * Math.sin(radians),
      y: 150 + x * Math.sin(radians) + y * Math.cos(radians),
    };
  };
  return [[turn(-distance / 2, 0), turn(distance / 2, 0)], turn(0, 40)];
};

const angle = ([left, right]: [Point, Point]) =>
  (Math.atan2(right.y - left.y, right.x - left.x) * 180) / Math.PI;
const middle = ([left, right]: [Point, Point]) => [(left.x + right.x) / 2, (left.y + right.y) / 2];

describe('turnedByMouth', () => {
  test.each([
    0, -35, 80, 170,
  ])('eyes in one point are turned by the mouth alone, to %i degrees', (degrees) => {
    const [eyes, mouth] = face(0, degrees);
    const turned = turnedByMouth(eyes, mouth, 100);
    expect(angle(turned)).toBeCloseTo(degrees, 6);
    expect(middle(turned)[0]).toBeCloseTo(200, 9);
    expect(middle(turned)[1]).toBeCloseTo(150, 9);
  });

  test('eyes apart stay as they are, whatever the mouth says', () => {
    const [eyes] = face(20, 10);
    expect(turnedByMouth(eyes, { x: 0, y: 0 }, 100)).toEqual(eyes);
  });

  test('in between both have their share, and it moves without a jump', () => {
    const [, mouth] = face(0, 0);
    const angles = [0, 2, 5, 10, 15, 19.9, 20].map((distance) =>
      angle(turnedByMouth(face(distance, 90)[0], mouth, 100)),
    );
    expect(angles.at(0)).toBeCloseTo(0, 6);
    expect(angles.at(-1)).toBeCloseTo(90, 6);
    expect(angles).toEqual(angles.toSorted((one, other) => one - other));
    expect(90 - (angles.at(-2) as number)).toBeLessThan(1);
  });

  test('a face without eyes and mouth apart is left alone', () => {
    const point = { x: 1, y: 2 };
    expect(turnedByMouth([point, point], point, 100)).toEqual([point, point]);
    expect(turnedByMouth([point, point], { x: 1, y: 9 }, 0)).toEqual([point, point]);
  });
});
