import { describe, expect, it } from 'vitest';
import { TTA, views } from '../../scripts/train/tta.js';

const crops = Uint8Array.from({ length: 2 * 48 * 48 }, (_, at) => (at * at * 31) % 251);
const mirrored = (picture: Uint8Array) =>
  picture.map((_, at) => picture[at - (at % 48) + 47 - (at % 48)] as number);

describe('views', () => {
  it('are one, two or ten', () => {
    expect(TTA.map((tta) => views(crops, tta).length)).toEqual([1, 2, 10]);
    expect(views(crops, 'none')[0]).toEqual(crops);
  });

  it('flip: the crop and its mirror image', () => {
    expect(views(crops, 'flip')).toEqual([crops, mirrored(crops)]);
    expect(mirrored(crops)).not.toEqual(crops);
  });

  it('ten-crop: five windows of 44 pixels, enlarged, and their mirror images', () => {
    const ten = views(crops, 'ten-crop');
    for (let at = 0; at < 10; at += 2) expect(ten[at + 1]).toEqual(mirrored(ten[at] as Uint8Array));
    // Bright only in the corner at the top left: that window shows most of it, the opposite one nothing.
    const corner = Uint8Array.from({ length: 48 * 48 }, (_, at) => (at % 48 < 4 && at < 48 * 4 ? 240 : 0));
    const sums = views(corner, 'ten-crop').map((view) => view.reduce((sum, value) => sum + value, 0));
    const [middle, topLeft, topRight, bottomLeft, bottomRight] = [0, 2, 4, 6, 8].map(
      (at) => sums[at] as number,
    );
    // Where the windows end at the bright part's edge, one sample may touch it.
    for (const sum of [topRight, bottomLeft, bottomRight])
      expect(sum).toBeLessThan(0.02 * (topLeft as number));
    // Enlarged, 4×4 of 44×44 pixels are (48/44)² times as many of 48×48; the middle window cuts half of each side off.
    expect((topLeft as number) / (16 * 240 * (48 / 44) ** 2)).toBeCloseTo(1, 1);
    expect((middle as number) / (4 * 240 * (48 / 44) ** 2)).toBeCloseTo(1, 1);
  });
});
