/** The plan's own kernels, with and without relaxed SIMD, against tfjs's operations. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadAssets, WASM_FILES } from '../../src/assets/node.js';
import { useWasm } from '../../src/model/backends/wasm.js';
import type { Conv } from '../../src/model/plan/fold.js';
import {
  convolution,
  convolutionScratch,
  fitsConvolution,
  packConvolution,
  type Window,
} from '../../src/model/plan/kernels/convolution.js';
import { downsample, fitsDownsample } from '../../src/model/plan/kernels/downsample.js';
import { run } from '../../src/model/plan/kernels/memory.js';
import { hasRelaxedSimd } from '../../src/model/plan/kernels/relaxed-simd.js';
import {
  fitsResidual,
  packResidual,
  residual,
  residualScratch,
} from '../../src/model/plan/kernels/residual.js';
import { upsample } from '../../src/model/plan/kernels/upsample.js';
import type { DilatedConv } from '../../src/model/plan/planner.js';
import { splitRows } from '../../src/model/plan/transposed.js';
import { valuesOf } from '../../src/model/plan/values.js';
import { randomNumbers } from '../support/random.js';

const random = randomNumbers(11);
const numbers = (length: number, scale = 1) => Float32Array.from({ length }, () => random() * scale);
const picture = (count: number, grid: number, channels: number) =>
  tf.tensor4d(numbers(count * grid * grid * channels), [count, grid, grid, channels]);

function randomConv(height: number, width: number, inputs: number, outputs: number): Conv {
  const kernel = numbers(height * width * inputs * outputs, 1 / Math.sqrt(inputs));
  return { shape: [height, width, inputs, outputs], kernel, bias: numbers(outputs) };
}

/** What a convolution would be with its last tap where the first is: a control must see it. */
const reversedTaps = (conv: Conv): Conv => {
  const [height, width, inputs, outputs] = conv.shape;
  const tap = inputs * outputs;
  const kernel = conv.kernel.map(
    (_, i) => conv.kernel[(height * width - 1 - Math.floor(i / tap)) * tap + (i % tap)] as number,
  );
  return { ...conv, kernel };
};

/** Rubbish in the scratch must not matter. */
const scratchOf = (length: number) => tf.fill([length], 1e30);

/** A grouped convolution with bias by tfjs's own operations. */
function stock(
  x: tf.Tensor4D,
  { shape, kernel, bias }: Conv,
  groups: number,
  { stride, rows, columns, dilation }: Omit<Window, 'kernel'>,
): tf.Tensor4D {
  const padded = tf.pad<tf.Tensor4D>(x, [[0, 0], [...rows], [...columns], [0, 0]]);
  const filters = tf.split(tf.tensor4d(kernel, [...shape]), groups, 3);
  const parts = tf
    .split<tf.Tensor4D>(padded, groups, 3)
    .map((part, g) => tf.conv2d(part, filters[g] as tf.Tensor4D, stride, 'valid', 'NHWC', [...dilation]));
  return tf.add(tf.concat(parts, 3), bias);
}

const centred = (height: number, width: number, d: number): Omit<Window, 'kernel'> => {
  const [rows, columns] = [(height - 1) / 2, (width - 1) / 2].map((reach) => reach * d) as [number, number];
  return { stride: 1, rows: [rows, rows], columns: [columns, columns], dilation: [d, d] };
};

/** Largest difference as a share of the largest value. */
function difference(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length);
  const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0) / largest;
}

/** By our kernel. */
const convolved = (x: tf.Tensor4D, conv: Conv, groups: number, window: Omit<Window, 'kernel'>) =>
  valuesOf(() => {
    const { filters: packed, ...packing } = packConvolution(conv, groups);
    const kernel = [conv.shape[0], conv.shape[1]] as const;
    const scratch = scratchOf(convolutionScratch(conv, groups));
    return run(
      convolution,
      { x, filters: tf.tensor1d(packed), scratch },
      { ...packing, window: { ...window, kernel }, rectified: false },
    );
  });

// Node 20 has relaxed SIMD behind this flag; later ones always.
if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');

async function useKernels(file: string): Promise<void> {
  const { tfjs } = (await loadAssets()).wasm;
  // There is one a process, which is never replaced otherwise.
  if (tf.findBackendFactory('wasm')) tf.removeBackend('wasm');
  await useWasm({ tfjs, kernels: await WebAssembly.compile(readFileSync(file)) });
}

describe('relaxed SIMD', () => {
  it('is found where the runtime has it', () => expect(hasRelaxedSimd()).toBe(true));

  it('changes a sum of products in its last bits, by one rounding instead of two', async () => {
    const conv = randomConv(3, 3, 64, 8);
    const computed = [];
    for (const file of [WASM_FILES.kernels, WASM_FILES.relaxedKernels]) {
      await useKernels(file);
      const x = tf.tensor4d(
        Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i)),
        [1, 8, 8, 64],
      );
      computed.push(convolved(x, conv, 1, centred(3, 3, 1)));
    }
    const [plain, fused] = computed as [Float32Array, Float32Array];
    expect(fused).not.toEqual(plain);
    expect(difference(plain, fused)).toBeLessThan(1e-6);
  });
});

describe.each(['kernels', 'relaxedKernels'] as const)('%s', (kernels) => {
  beforeAll(() => useKernels(WASM_FILES[kernels]));

  describe('the convolution', () => {
    // Fewer cells than a tile, cells that fill no tile, more than share a table; groups of 4 channels, which are merged.
    it.each([
      ['1×1', randomConv(1, 1, 24, 16), 1, 7, centred(1, 1, 1)],
      ['1×1 on one cell', randomConv(1, 1, 8, 8), 1, 1, centred(1, 1, 1)],
      ['3×3', randomConv(3, 3, 5, 16), 1, 9, centred(3, 3, 1)],
      ['3×3 dilated to the edge', randomConv(3, 3, 8, 8), 1, 5, centred(3, 3, 4)],
      ['3×1 in two groups', randomConv(3, 1, 8, 16), 2, 6, centred(3, 1, 2)],
      ['1×3 in four narrow groups', randomConv(1, 3, 4, 16), 4, 8, centred(1, 3, 1)],
      ['3×3 of stride 2', randomConv(3, 3, 16, 24), 1, 12, { ...centred(3, 3, 1), stride: 2 }],
      [
        '2×2, padded behind',
        randomConv(2, 2, 8, 32),
        1,
        6,
        { stride: 1, rows: [0, 1], columns: [0, 1], dilation: [1, 1] },
      ],
    ] satisfies [
      string,
      Conv,
      number,
      number,
      Omit<Window, 'kernel'>,
    ][])('%s', (_, conv, groups, grid, window) => {
      expect(fitsConvolution(conv, groups)).toBe(true);
      const x = picture(2, grid, conv.shape[2] * groups);
      const expected = valuesOf(() => stock(x, conv, groups, window));
      expect(difference(expected, convolved(x, conv, groups, window))).toBeLessThan(1e-6);
      if (conv.shape[0] * conv.shape[1] > 1)
        expect(difference(expected, convolved(x, reversedTaps(conv), groups, window))).toBeGreaterThan(1e-3);
      x.dispose();
    });

    it('is not for outputs that fill no vectors', () => {
      expect(fitsConvolution(randomConv(3, 3, 8, 12), 1)).toBe(false);
    });
  });

  describe('the downsampler', () => {
    it.each([
      [1, 16, 10],
      [16, 64, 12],
      [24, 32, 6],
    ])('from %i channels to %i on a grid of %i', (inputs, channels, grid) => {
      const conv = randomConv(3, 3, inputs, channels - inputs);
      const [scale, shift] = [numbers(inputs), numbers(inputs)];
      expect(fitsDownsample(conv)).toBe(true);
      const x = picture(2, grid, inputs);
      const halving = { ...centred(3, 3, 1), stride: 2 };
      const expected = valuesOf(() => {
        const pooled = tf.add(tf.mul(tf.maxPool(x, 2, 2, 'valid'), scale), shift);
        return tf.relu(tf.concat([stock(x, conv, 1, halving), pooled], 3));
      });
      const ours = (of: Conv) =>
        valuesOf(() => {
          const { filters: packed, ...packing } = packConvolution(of, 1);
          const norm = tf.tensor1d([...scale, ...shift]);
          const scratch = scratchOf(convolutionScratch(of, 1));
          return run(
            downsample,
            { x, filters: tf.tensor1d(packed), norm, scratch },
            { ...packing, channels },
          );
        });
      expect(difference(expected, ours(conv))).toBeLessThan(1e-6);
      expect(difference(expected, ours(reversedTaps(conv)))).toBeGreaterThan(1e-3);
      x.dispose();
    });

    it('is not for filled-up outputs that no pooled channels cover', () => {
      expect(fitsDownsample(randomConv(3, 3, 1, 10))).toBe(false);
    });
  });

  describe('the upsampler', () => {
    it.each([
      [16, 8, 3],
      [8, 16, 12],
    ])('from %i channels to %i on a grid of %i', (inputs, outputs, grid) => {
      const conv = randomConv(3, 3, inputs, outputs);
      const x = picture(2, grid, inputs);
      const expected = valuesOf(() => {
        const filter = tf.transpose(tf.tensor4d(conv.kernel, [3, 3, inputs, outputs]), [0, 1, 3, 2]);
        const y = tf.conv2dTranspose(x, filter, [2, 2 * grid, 2 * grid, outputs], 2, 1, 'floor');
        return tf.relu(tf.add(y, conv.bias));
      });
      const ours = (of: Conv) =>
        valuesOf(() => {
          const rows = splitRows(of);
          const { filters: evenFilters, ...even } = packConvolution(rows.even, 1);
          const { filters: oddFilters, ...odd } = packConvolution(rows.odd, 1);
          const scratch = scratchOf(convolutionScratch(rows.odd, 1));
          const inputsOf = { x, even: tf.tensor1d(evenFilters), odd: tf.tensor1d(oddFilters), scratch };
          return run(upsample, inputsOf, { even, odd });
        });
      expect(difference(expected, ours(conv))).toBeLessThan(1e-6);
      expect(difference(expected, ours(reversedTaps(conv)))).toBeGreaterThan(1e-3);
      x.dispose();
    });
  });

  describe('the residual block', () => {
    function block(channels: number, groups: number, dilation: number): DilatedConv[] {
      return [false, true, false, true].map((across, i) => {
        const d = i < 2 ? 1 : dilation;
        const inputs = channels / groups;
        const conv = across ? randomConv(1, 3, inputs, channels) : randomConv(3, 1, inputs, channels);
        return { conv, groups, dilation: across ? [1, d] : [d, 1] };
      });
    }

    const byTfjs = (x: tf.Tensor4D, convs: DilatedConv[]) =>
      valuesOf(() => {
        const y = convs.reduce((value, { conv, groups, dilation }, i) => {
          const d = Math.max(...dilation);
          const sum = stock(value, conv, groups, centred(conv.shape[0], conv.shape[1], d));
          return i < convs.length - 1 ? tf.relu(sum) : sum;
        }, x);
        return tf.relu(tf.add(x, y));
      });

    const ours = (x: tf.Tensor4D, convs: DilatedConv[], dilation: number) =>
      valuesOf(() => {
        const { filters: packed, ...packing } = packResidual(convs);
        const scratch = scratchOf(residualScratch(x.shape[1], packing.channels));
        return run(residual, { x, filters: tf.tensor1d(packed), scratch }, { ...packing, dilation });
      });

    // Grids that leave four, three, two, one and no outputs over, dilations past the grid, lines that fill no tile; groups
    // of full vectors and of 4 channels, which are merged.
    const cases = [4, 6, 7, 8, 9, 12, 13, 24].flatMap((grid) =>
      [1, 2, 3, 4, 16].flatMap((dilation) =>
        [
          [8, 1],
          [24, 1],
          [32, 2],
          [16, 4],
        ].map(([channels, groups]) => [grid, dilation, channels, groups] as [number, number, number, number]),
      ),
    );
    it.each(
      cases,
    )('grid %i, dilation %i, %i channels in %i groups, two pictures', (grid, dilation, channels, groups) => {
      const convs = block(channels, groups, dilation);
      expect(fitsResidual(convs, grid)).toBe(true);
      const x = picture(2, grid, channels);
      const expected = byTfjs(x, convs);
      expect(difference(expected, ours(x, convs, dilation))).toBeLessThan(3e-6);
      const wrong = convs.map((c, i) => (i === 2 ? { ...c, conv: reversedTaps(c.conv) } : c));
      if (dilation < grid) expect(difference(expected, ours(x, wrong, dilation))).toBeGreaterThan(1e-3);
      x.dispose();
    });

    it('is for factorised blocks of full vectors on grids of at least a tile', () => {
      expect(fitsResidual(block(8, 1, 1), 3)).toBe(false);
      expect(fitsResidual(block(12, 1, 1), 12)).toBe(false);
      expect(fitsResidual(block(8, 1, 1).slice(0, 2), 12)).toBe(false);
    });
  });
});

describe('what both sides of the kernels must agree on, or the module writes beyond its scratch', () => {
  /** The constant of a file of src/model, in its own units. */
  const constant = (file: string, name: string) => {
    const source = readFileSync(`src/model/${file}`, 'utf8');
    return Number(new RegExp(`const ${name}(?:: \\w+)? = (\\d+);`).exec(source)?.[1]);
  };

  it.each([
    ['LANES', 'plan/kernels/memory.ts', 'assembly/vectors.ts', 1],
    ['CELLS', 'plan/kernels/convolution.ts', 'assembly/convolution.ts', 1],
    ['LINES', 'plan/kernels/residual.ts', 'assembly/vectors.ts', 1],
    ['MATRICES', 'plan/kernels/residual.ts', 'assembly/residual.ts', 1],
    // float32 values here, bytes there.
    ['HEAD', 'plan/kernels/residual.ts', 'assembly/residual.ts', 4],
  ])('%s', (name, ours, theirs, unit) => {
    expect(constant(ours, name)).toBeGreaterThan(1);
    expect(constant(theirs, name)).toBe(unit * constant(ours, name));
  });
});
