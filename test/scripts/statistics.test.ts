import { expect, test } from 'vitest';
import { median, quantiles, quartiles } from '../../scripts/lib/statistics.js';

test('quartiles lie between neighbours, whatever the order', () => {
  expect(quartiles([4, 1, 3, 2, 5])).toEqual({ median: 3, lower: 2, upper: 4 });
  expect(quartiles([10, 20])).toEqual({ median: 15, lower: 12.5, upper: 17.5 });
  expect(quartiles([7])).toEqual({ median: 7, lower: 7, upper: 7 });
});

test('one outlier does not move the median', () => {
  expect(median([1, 1, 1, 1000])).toBe(1);
});

test('of no values there is no quantile', () => {
  expect(quantiles([], 0.5, 0.99)).toEqual([Number.NaN, Number.NaN]);
  expect(quantiles([1, 3], 0, 1)).toEqual([1, 3]);
});
