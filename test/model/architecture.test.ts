import { describe, expect, it } from 'vitest';
import {
  type Architecture,
  formatArchitecture,
  parseArchitecture,
  place,
} from '../../src/model/architecture.js';
import { MienError } from '../../src/model/errors.js';
import { parameterShapes } from '../../src/model/parameters.js';
import { table1 } from '../../src/model/table1.js';

/** Table 1's column "Output", modules 1 to 23, its C being 7 here; and its grids as parts of the input's side. */
const TABLE1 = [
  [16, 2], [64, 4], [64, 4], [64, 4], [64, 4], [64, 4], [64, 4], [256, 8],
  [256, 8], [256, 8], [256, 8], [256, 8], [128, 8], [128, 8], [128, 8], [128, 8],
  [64, 4], [64, 4], [64, 4], [16, 2], [16, 2], [16, 2], [7, 1],
]; // biome-ignore format: a row of the table a number

function faultOf(change: (arch: Architecture) => void): string {
  const arch: Architecture = structuredClone(table1({ side: 48 }));
  change(arch);
  try {
    parseArchitecture(arch);
  } catch (error) {
    expect(MienError.is(error) && error.code).toBe('invalid_architecture');
    return (error as Error).message;
  }
  throw new Error('the architecture was accepted');
}

describe('table1', () => {
  it('has the 23 modules of the paper, their channels and grids', () => {
    const modules = place(table1({ side: 384 })).filter(({ row }) => /^m\d+$/.test(row.name));
    expect(modules.map(({ row }) => row.name)).toEqual(TABLE1.map((_, i) => `m${i + 1}`));
    expect(modules.map((m) => [m.outputChannels, 384 / m.outputGrid])).toEqual(TABLE1);
  });

  it('dilates modules 9 to 16 by 2, 4, 8, 16', () => {
    const dilations = table1({ side: 384 }).rows.flatMap((row) => ('dilation' in row ? [row.dilation] : []));
    expect(dilations).toEqual([1, 1, 1, 1, 1, 2, 4, 8, 16, 2, 4, 8, 16, 1, 1, 1, 1]);
  });

  it('has fewer parameters with more groups', () => {
    const count = (groups: number) =>
      [...parameterShapes(table1({ side: 96, groups, rates: null }))]
        .filter(([name]) => !name.includes('.running_'))
        .reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
    // Counted by hand from Table 1 in millions, with an attention of 0.01 M that squeezes by a plain average.
    const byHand = [4.53, 2.39, 1.32, 0.79];
    [1, 2, 4, 8].forEach((groups, i) => {
      expect(Math.abs(count(groups) / 1e6 - (byHand[i] as number))).toBeLessThan(0.015);
    });
  });
});

describe('table1’s options', () => {
  it('widen every stage, in multiples of eight', () => {
    const channels = place(table1({ side: 96, width: 0.7 })).map((p) => p.outputChannels);
    expect([...new Set(channels)]).toEqual([8, 48, 176, 88, 7]);
  });

  it('name no block to mix after that does not exist', () => {
    expect(() => table1({ side: 96, mixAfter: [8] })).toThrow(/module 8/);
  });

  it('do not group plain blocks', () => {
    expect(() => table1({ side: 96, factorised: false, groups: 4 })).toThrow(/groups must be 1/);
  });
});

describe('parseArchitecture', () => {
  it('reads what formatArchitecture writes', () => {
    const arch = table1({ side: 96, groups: 2, rates: [1, 2, 3], dropout: 0.1 });
    expect(parseArchitecture(JSON.parse(formatArchitecture(arch)))).toEqual(arch);
  });

  it.each<[string, (arch: Architecture) => void, RegExp]>([
    [
      'a side that cannot be halved thrice',
      (a) => {
        a.side = 50;
      },
      /side/,
    ],
    [
      'other labels',
      (a) => {
        Object.assign(a, { labels: ['happy'] });
      },
      /labels/,
    ],
    [
      'an unknown field',
      (a) => {
        Object.assign(a, { colour: 1 });
      },
      /colour/,
    ],
    [
      'groups that do not divide',
      (a) => {
        Object.assign(a.rows[2] ?? {}, { groups: 5 });
      },
      /m3.*64 channels in 5/,
    ],
    [
      'a residual block that changes channels',
      (a) => {
        Object.assign(a.rows[2] ?? {}, { channels: 32 });
      },
      /m3/,
    ],
    [
      'a missing upsampler',
      (a) => {
        a.rows = a.rows.filter((r) => r.name !== 'm20');
      },
      /class maps/,
    ],
    [
      'two rows of one name',
      (a) => {
        Object.assign(a.rows[2] ?? {}, { name: 'm4' });
      },
      /differ/,
    ],
    [
      'no head',
      (a) => {
        a.head = { maps: false, features: false, dropout: 0 };
      },
      /head/,
    ],
  ])('refuses %s', (_, change, message) => {
    expect(faultOf(change)).toMatch(message);
  });
});
