import { describe, expect, test } from 'vitest';
import { lookAround, type Region, regionsOf } from '../../src/model/face/tiles.js';

describe('regionsOf', () => {
  test('a small picture is looked at once', () => {
    expect(regionsOf(640, 480)).toEqual([{ x: 0, y: 0, width: 640, height: 480 }]);
  });

  const holds = (region: Region, x: number, y: number, side: number) =>
    x >= region.x &&
    y >= region.y &&
    x + side <= region.x + region.width &&
    y + side <= region.y + region.height;

  test.each([
    [1280, 960, undefined, 40],
    [1920, 1080, undefined, 40],
    [4000, 3000, undefined, 84],
    [3000, 2000, 30, 30],
    [300, 5000, 24, 24],
  ])('of %i x %i, smallest face %s: every face from %i pixels on is whole and large enough somewhere', (width, height, wish, least) => {
    const regions = regionsOf(width, height, wish);
    for (const { x, y, width: across, height: down } of regions) {
      expect(x >= 0 && y >= 0 && x + across <= width && y + down <= height).toBe(true);
    }
    for (let side = least; side < Math.min(width, height) * 0.9; side = Math.ceil(side * 1.3)) {
      // Large enough: a sixteenth of the region, which the detector sees at 256 pixels.
      const fit = regions.filter((region) => side * 16 >= Math.max(region.width, region.height) * 0.99);
      for (let x = 0; x + side <= width; x += 37)
        for (let y = 0; y + side <= height; y += 41) {
          expect(
            fit.some((region) => holds(region, x, y, side)),
            `${side} at ${x}, ${y}`,
          ).toBe(true);
        }
    }
  });

  test('a large picture costs no more than some twenty looks unless smaller faces are wished for', () => {
    expect(regionsOf(8000, 6000).length).toBeLessThanOrEqual(20);
    expect(regionsOf(8000, 6000, 100).length).toBeGreaterThan(40);
  });

  test.each([
    [4000, 3000, 16],
    [8000, 6000, 32],
    [8000, 6000, 1],
    [1, 65_535, 16],
    [65_535, 762, 16],
  ])('%i x %i, smallest face %i: at most 500 looks', (width, height, wish) => {
    const { length } = regionsOf(width, height, wish);
    expect(length).toBeLessThanOrEqual(500);
    expect(length).toBeGreaterThan(300); // the control: as small faces are looked for as that allows
  });

  test('where 500 looks suffice, faces as small as is wished for are looked for', () => {
    const finest = regionsOf(4000, 3000, 16).at(-1) as Region;
    expect([finest.width, finest.height]).toEqual([256, 256]);
  });
});

describe('lookAround', () => {
  const picture = { width: 1000, height: 300 };

  test.each([
    ['in its middle', 500, 150, 50, { x: 400, y: 50, width: 200, height: 200 }, 1],
    ['as far as the picture goes', 10, 295, 50, { x: 0, y: 100, width: 200, height: 200 }, 1],
    ['as high as the picture is', 900, 150, 100, { x: 600, y: 0, width: 400, height: 300 }, 1],
    ['beyond the picture', -70, 400, 20, { x: 0, y: 220, width: 80, height: 80 }, 1],
    ['of no size', 20, 20, 0, { x: 20, y: 20, width: 1, height: 1 }, 1],
    ['that is said to be wider than the picture', 0, 0, 9999, { x: 0, y: 0, width: 1000, height: 300 }, 0.25],
    ['that fills the picture', 500, 150, 500, { x: 0, y: 0, width: 1000, height: 300 }, 0.5],
  ])('a face %s is a quarter of what is seen', (_, x, y, side, region, share) => {
    expect(lookAround(picture, x, y, side)).toEqual({ region, share });
  });
});
