import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseArchitecture } from '../../src/model/architecture.js';
import { type Cost, networkCost, rowCosts } from '../../src/model/cost.js';
import { table1 } from '../../src/model/table1.js';
import { decodeSafetensors } from '../../src/model/weights.js';

describe('networkCost', () => {
  // Counted by hand from Table 1 at 384×384, before there was this code; the attention there is 0.01 M parameters.
  it.each([
    [1, 13.2, 4.53],
    [2, 6.9, 2.39],
    [4, 3.8, 1.32],
    [8, 2.3, 0.79],
  ])('is as counted by hand: groups of %i', (groups, gmac, millions) => {
    const { macs, parameters } = networkCost(table1({ side: 384, groups, rates: null }));
    expect(Math.abs(macs / 1e9 - gmac)).toBeLessThan(0.06);
    expect(Math.abs(parameters / 1e6 - millions)).toBeLessThan(0.015);
  });

  it('has as many parameters as the published weights without their running statistics', () => {
    const arch = parseArchitecture(JSON.parse(readFileSync('models/mien-v1/architecture.json', 'utf8')));
    const weights = decodeSafetensors(new Uint8Array(readFileSync('models/mien-v1/weights.safetensors')));
    const trained = [...weights].filter(([name]) => !name.includes('.running_'));
    const values = trained.reduce((sum, [, { data }]) => sum + data.length, 0);
    expect(networkCost(arch).parameters).toBe(values);
    expect(trained.length).toBeLessThan(weights.size);
  });

  it('grows with the square of the side, but for the matrices', () => {
    const [small, large] = [48, 96].map((side) => networkCost(table1({ side, rates: null }))) as [Cost, Cost];
    const head = { macs: 7 * 128, activations: 7 };
    expect(large.macs - head.macs).toBe(4 * (small.macs - head.macs));
    expect(large.activations - head.activations).toBe(4 * (small.activations - head.activations));
    expect(large.parameters).toBe(small.parameters);
  });
});

describe('rowCosts', () => {
  const costs = (options: Partial<Parameters<typeof table1>[0]> = {}) =>
    rowCosts(table1({ side: 48, groups: 4, rates: [1, 2, 3], ...options }));

  it.each<[string, Cost]>([
    // 48×48×1 → 24×24×16: 15 channels by 3×3, one pooled; 2 × 16 for the batch norm.
    ['m1', { parameters: 15 * 9 + 32, macs: 15 * 9 * 24 ** 2, activations: 16 * 24 ** 2 }],
    // Four convolutions of 3 taps and 64 / 4 inputs; two biases, two batch norms.
    [
      'm3',
      {
        parameters: 4 * 3 * 16 * 64 + 6 * 64,
        macs: 4 * 3 * 16 * 64 * 12 ** 2,
        activations: 4 * 64 * 12 ** 2,
      },
    ],
    // 12×12 → 24×24: each input cell gives 9 products a pair of channels.
    ['m20', { parameters: 9 * 64 * 16 + 32, macs: 9 * 64 * 16 * 12 ** 2, activations: 16 * 24 ** 2 }],
    // 1×1 and three 3×3 branches of 32 channels, 128 → 16 → 128, the product.
    [
      'attention',
      {
        parameters: 28 * 128 * 32 + 2 * 128 + 2 * 128 * 16,
        macs: 28 * 128 * 32 * 6 ** 2 + 2 * 128 * 16,
        activations: 2 * 128 * 6 ** 2 + 16 + 128,
      },
    ],
    ['m23', { parameters: 9 * 16 * 7 + 7, macs: 9 * 16 * 7 * 24 ** 2, activations: 7 * 48 ** 2 }],
    ['head', { parameters: 7 * 129, macs: 7 * 128, activations: 7 }],
  ])('are as counted by hand: %s', (name, cost) => {
    expect(costs().get(name)).toEqual(cost);
  });

  it('are nothing for a decoder that the logits do not come from', () => {
    const [all, without] = [true, false].map((maps) => costs({ head: { maps, features: true, dropout: 0 } }));
    const idle = ['m17', 'm18', 'm19', 'm20', 'm21', 'm22', 'm23'];
    for (const [name, cost] of all as Map<string, Cost>)
      expect(without?.get(name)).toEqual(idle.includes(name) ? { ...cost, macs: 0, activations: 0 } : cost);
  });

  it('count plain blocks dense: three halves of the factorised, ungrouped ones', () => {
    const macs = (factorised: boolean) => costs({ factorised, groups: 1 }).get('m9')?.macs as number;
    expect(macs(false) / macs(true)).toBe(18 / 12);
  });
});
