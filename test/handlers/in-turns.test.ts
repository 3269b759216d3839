import { expect, test, vi } from 'vitest';
import { inTurns } from '../../src/handlers/in-turns.js';
import { CROP_BYTES } from '../../src/model/architecture.js';

test('maps are computed a few at a time, others have their turn between, and each is where it belongs', async () => {
  const order: string[] = [];
  /** A map of two cells a side, which says who it is of and for which label. */
  const evidence = vi.fn((crops: Uint8Array, labels: readonly number[]) => {
    order.push(`${labels.length} maps`);
    // Asked for in a thread that computes, this comes after it.
    setImmediate(() => order.push('another'));
    const of = (at: number) => (crops[at * CROP_BYTES] as number) * 10 + (labels[at] as number);
    return { side: 2, values: Float32Array.from(labels.flatMap((_, at) => Array(4).fill(of(at)))) };
  });
  const labels = Array.from({ length: 10 }, (_, face) => face % 7);
  const crops = new Uint8Array(10 * CROP_BYTES);
  for (const face of labels.keys()) crops[face * CROP_BYTES] = face;
  const { side, values } = await inTurns({ evidence }).evidence(crops, labels);
  expect(side).toBe(2);
  expect([...values]).toEqual(labels.flatMap((label, face) => Array(4).fill(face * 10 + label)));
  expect(order).toEqual(['4 maps', 'another', '4 maps', 'another', '2 maps']);
});
