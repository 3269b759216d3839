import { describe, expect, it } from 'vitest';
import { MienError } from '../../src/model/errors.js';
import { table1 } from '../../src/model/table1.js';
import {
  checkWeights,
  decodeSafetensors,
  encodeCompactSafetensors,
  encodeSafetensors,
  type Weights,
} from '../../src/model/weights.js';
import { livelyWeights } from '../support/networks.js';

const small: Weights = new Map([
  ['a', { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 4, 5, 6) }],
  ['b', { shape: [1], data: Float32Array.of(0.25) }],
]);

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(MienError.is(error) && error.code).toBe('invalid_weights');
    return (error as Error).message;
  }
  throw new Error('the weights were accepted');
}

describe('safetensors', () => {
  it('reads what it writes', () => {
    expect(decodeSafetensors(encodeSafetensors(small, { made: 'here' }))).toEqual(small);
  });

  it('writes the format: a little-endian length, JSON, data from a multiple of eight', () => {
    const bytes = encodeSafetensors(small);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    expect(header.b).toEqual({ dtype: 'F32', shape: [1], data_offsets: [24, 28] });
    expect(bytes.length).toBe(8 + length + 28);
  });

  it('reads a view into a larger buffer, at an odd offset', () => {
    const bytes = encodeSafetensors(small);
    const larger = Buffer.alloc(bytes.length + 3);
    larger.set(bytes, 3);
    expect(decodeSafetensors(larger.subarray(3))).toEqual(small);
  });

  it('refuses every file that is cut off', () => {
    const bytes = encodeSafetensors(small);
    for (let length = 0; length < bytes.length; length++)
      expect(refusal(() => decodeSafetensors(bytes.subarray(0, length)))).toMatch(/not valid weights/);
  });

  /** A file of such a header, and so many zeros. */
  function fileOf(entries: string, zeros: number): Uint8Array {
    const header = new TextEncoder().encode(entries);
    const bytes = new Uint8Array(8 + header.length + zeros);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    return bytes;
  }

  it.each([
    ['no tensor', 'null'],
    ['a tensor without a place', '{"dtype":"F32","shape":[1],"data_offsets":null}'],
    ['a tensor without a type', '{}'],
  ])('refuses %s', (_, entry) => {
    expect(refusal(() => decodeSafetensors(fileOf(`{"a":${entry}}`, 4)))).toMatch(/not valid weights: a /);
  });

  const two = (from: number) =>
    `{"b":{"dtype":"F32","shape":[1],"data_offsets":[${from},${from + 4}]},` +
    '"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';

  it.each([
    ['tensors that overlap', two(4), 8, /b does not begin where/],
    ['a hole between tensors', two(12), 16, /b does not begin where/],
    ['bytes after the last tensor', two(8), 13, /have 12 bytes, and there are 13/],
  ])('refuses %s', (_, header, zeros, message) => {
    expect(refusal(() => decodeSafetensors(fileOf(header, zeros)))).toMatch(message);
  });

  it('reads tensors in any order', () => {
    expect([...decodeSafetensors(fileOf(two(8), 12)).keys()]).toEqual(['b', 'a']);
  });

  it('aligns the data whatever the metadata', () => {
    const bytes = encodeSafetensors(small, { made: 'größer, für 2 €' });
    expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
    expect(decodeSafetensors(bytes)).toEqual(small);
  });

  it('refuses NaN', () => {
    const bytes = encodeSafetensors(new Map([['a', { shape: [1], data: Float32Array.of(Number.NaN) }]]));
    expect(refusal(() => decodeSafetensors(bytes))).toMatch(/a holds a value that is not finite/);
  });
});

describe('compact safetensors', () => {
  const kernel = Float32Array.from({ length: 2 * 50 * 40 }, (_, i) => Math.sin(i) * (i < 2000 ? 0.3 : 20));
  const weights: Weights = new Map([
    ['bias', { shape: [2], data: Float32Array.of(0.1, 0.2) }],
    ['large.weight', { shape: [2, 50, 40, 1], data: kernel }],
    ['small.weight', { shape: [1, 1, 3, 1], data: Float32Array.of(0.1, 0.2, 0.3) }],
    ['zero.weight', { shape: [4, 1000, 1, 1], data: new Float32Array(4000) }],
  ]);
  const bytes = encodeCompactSafetensors(weights);

  it('keep small tensors exactly, and large kernels to half a step of 255 across their row', () => {
    const read = decodeSafetensors(bytes);
    expect([...read.keys()].sort()).toEqual([...weights.keys()].sort());
    for (const name of ['bias', 'small.weight', 'zero.weight'])
      expect(read.get(name)).toEqual(weights.get(name));
    const { shape, data } = read.get('large.weight') as { shape: number[]; data: Float32Array };
    expect(shape).toEqual([2, 50, 40, 1]);
    const error = (from: number) =>
      Math.max(
        ...data.subarray(from, from + 2000).map((value, i) => Math.abs(value - (kernel[from + i] as number))),
      );
    for (const [from, largest] of [
      [0, 0.3],
      [2000, 20],
    ] as const) {
      expect(error(from)).toBeLessThanOrEqual((largest / 127 / 2) * 1.001);
      expect(error(from)).toBeGreaterThan(largest / 127 / 4); // the control: something is rounded
    }
    expect(bytes.length).toBeLessThan(4000 + 4000 + 1000);
  });

  it('give what has been rounded once the same again', () => {
    const once = decodeSafetensors(bytes).get('large.weight')?.data as Float32Array;
    const twice = decodeSafetensors(encodeCompactSafetensors(decodeSafetensors(bytes))).get(
      'large.weight',
    )?.data;
    const change = once.map((value, i) => Math.abs(value - (twice?.[i] as number)) / 20);
    expect(Math.max(...change)).toBeLessThan(1e-6);
  });

  it('keep what is called like a kernel and six characters more', () => {
    const named = new Map(weights).set('large.weight.extra', { shape: [1], data: Float32Array.of(1) });
    expect(decodeSafetensors(encodeCompactSafetensors(named)).get('large.weight.extra')?.data[0]).toBe(1);
  });

  it('are refused without scales', () => {
    const text = new TextDecoder('latin1').decode(bytes).replace('large.weight.scale', 'large.weight.scole');
    const broken = Uint8Array.from(text, (character) => character.charCodeAt(0));
    expect(refusal(() => decodeSafetensors(broken))).toMatch(
      /large.weight is I8 and has no large.weight.scale/,
    );
  });
});

describe('checkWeights', () => {
  const arch = table1({ side: 48 });
  const weights = livelyWeights(arch);

  it('refuses a variance below 0', () => {
    const variance = Float32Array.from({ length: 16 }, (_, channel) => (channel === 9 ? -0.001 : 1));
    const broken = new Map(weights).set('m1.norm.running_var', { shape: [16], data: variance });
    expect(refusal(() => checkWeights(broken, arch))).toMatch(/m1.norm.running_var holds a variance below 0/);
    variance[9] = 0; // the control
    expect(() => checkWeights(broken, arch)).not.toThrow();
  });

  it('names a tensor that is missing, misshapen or too many', () => {
    expect(() => checkWeights(weights, arch)).not.toThrow();
    const without = new Map(weights);
    without.delete('m9.conv1.weight');
    expect(refusal(() => checkWeights(without, arch))).toMatch(/m9.conv1.weight is missing/);
    const misshapen = new Map(weights).set('head.bias', { shape: [8], data: new Float32Array(8) });
    expect(refusal(() => checkWeights(misshapen, arch))).toMatch(/head.bias is \[8\].*\[7\]/);
    const extra = new Map(weights).set('m99', { shape: [1], data: new Float32Array(1) });
    expect(refusal(() => checkWeights(extra, arch))).toMatch(/no m99/);
  });
});
