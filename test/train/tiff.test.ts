import { describe, expect, it } from 'vitest';
import { decodeTiff } from '../../scripts/train/data/tiff.js';
import { encodeTiff } from '../support/tiff.js';

/** What tags are called in TIFF 6.0. */
const [BITS, COLOURS, SAMPLES, PLANAR, PREDICTOR, PALETTE, EXTRA, FORMAT] = [
  258, 262, 277, 284, 317, 320, 338, 339,
];
const [TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES] = [322, 323, 324, 325];

/** Two pixels, each `bytes` long. */
const two = (bytes: number[], tags: Record<number, number | number[]>) =>
  encodeTiff(2, 1, Uint8Array.from(bytes), tags);

describe('decodeTiff', () => {
  const colours = Array.from({ length: 3 * 256 }, (_, at) =>
    at === 7 ? 0x1234 : at === 256 + 7 ? 0xffff : 0,
  );
  it.each<[string, number[], Record<number, number | number[]>, number[]]>([
    ['grey', [7, 200], {}, [7, 7, 7, 200, 200, 200]],
    ['grey, where 0 is white', [7, 200], { [COLOURS]: 0 }, [248, 248, 248, 55, 55, 55]],
    ['grey of 16 bits', [0xff, 7, 0, 200], { [BITS]: 16 }, [7, 7, 7, 200, 200, 200]],
    ['RGB', [1, 2, 3, 4, 5, 6], { [COLOURS]: 2, [SAMPLES]: 3 }, [1, 2, 3, 4, 5, 6]],
    ['a palette’s', [7, 0], { [COLOURS]: 3, [PALETTE]: colours }, [0x12, 0xff, 0, 0, 0, 0]],
    [
      'RGB with alpha, over white',
      [1, 2, 3, 255, 4, 5, 6, 0],
      { [COLOURS]: 2, [SAMPLES]: 4, [EXTRA]: 2 },
      [1, 2, 3, 255, 255, 255],
    ],
    ['grey with alpha, over white', [7, 255, 7, 0], { [SAMPLES]: 2, [EXTRA]: 2 }, [7, 7, 7, 255, 255, 255]],
    [
      'RGB and something else',
      [1, 2, 3, 0, 4, 5, 6, 0],
      { [COLOURS]: 2, [SAMPLES]: 4, [EXTRA]: 0 },
      [1, 2, 3, 4, 5, 6],
    ],
  ])('reads %s', (_, bytes, tags, rgb) => {
    const { width, height, data } = decodeTiff(two(bytes, tags));
    expect([width, height]).toEqual([2, 1]);
    expect([...data]).toEqual([...rgb.slice(0, 3), 255, ...rgb.slice(3), 255]);
  });

  const tiled = { [TILE_WIDTH]: 16, [TILE_HEIGHT]: 16, [TILES]: 8, [TILE_BYTES]: 256 };
  it.each<[string, Record<number, number | number[]>, string]>([
    ['floats', { [BITS]: 32, [FORMAT]: 3 }, 'its samples are not unsigned numbers of 8 or 16 bits'],
    [
      'floats of 16 bits',
      { [BITS]: 16, [FORMAT]: 3 },
      'its samples are not unsigned numbers of 8 or 16 bits',
    ],
    ['signed numbers', { [FORMAT]: 2 }, 'its samples are not unsigned numbers of 8 or 16 bits'],
    ['black and white', { [BITS]: 1 }, 'its samples are not unsigned numbers of 8 or 16 bits'],
    ['CMYK', { [COLOURS]: 5, [SAMPLES]: 4 }, 'its colours are neither grey, RGB nor of a palette'],
    ['a palette without colours', { [COLOURS]: 3 }, 'its palette is missing'],
    ['planes', { [COLOURS]: 2, [SAMPLES]: 3, [PLANAR]: 2 }, 'its channels lie one after the other'],
    ['tiles of colours', { ...tiled, [COLOURS]: 2, [SAMPLES]: 3 }, 'it is tiled'],
    ['tiles of differences', { ...tiled, [PREDICTOR]: 2 }, 'it is tiled'],
  ])('refuses %s', (_, tags, why) => {
    expect(() => decodeTiff(two(Array(24).fill(0), tags))).toThrow(`${why}; save it as a PNG`);
  });

  it('refuses what is cut off, or is none', () => {
    const whole = two([7, 200], {});
    for (const broken of [whole.subarray(0, -1), whole.subarray(0, 20), Buffer.from('GIF89a, not a TIFF')])
      expect(() => decodeTiff(broken)).toThrow();
  });
});
