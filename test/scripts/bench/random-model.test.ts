import { expect, test } from 'vitest';
import { fittedTable1 } from '../../../scripts/bench/random-model.js';
import { table1 } from '../../../src/model/table1.js';

const dilations = (side: number) =>
  fittedTable1(side, 4).rows.flatMap((row) => (row.block === 'non-bottleneck-1d' ? [row.dilation] : []));

test("dilations are the paper's at 384 and as the published model's at 96", () => {
  expect(fittedTable1(384, 4)).toEqual(table1({ side: 384, groups: 4 }));
  expect(dilations(192).slice(0, 4)).toEqual([1, 2, 4, 8]);
  expect(dilations(96).slice(0, 4)).toEqual([1, 1, 2, 4]);
  expect(dilations(48).slice(0, 4)).toEqual([1, 1, 1, 2]);
});
