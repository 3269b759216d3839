import { expect, it } from 'vitest';
import { joined } from '../../scripts/train/scoring.js';

it('joins more scores than a call takes arguments', () => {
  const both = joined(new Float32Array(200_000).fill(1), new Float32Array(200_000).fill(2));
  expect([both.length, both[199_999], both[200_000]]).toEqual([400_000, 1, 2]);
});
