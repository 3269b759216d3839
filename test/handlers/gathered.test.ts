import { expect, test } from 'vitest';
import { gather } from '../../src/handlers/gathered.js';

test('gives what has come, in order, and begins anew', () => {
  const gathered = gather(100);
  expect(gathered.take()).toEqual(new Uint8Array());
  for (let at = 0; at < 100; at++) gathered.add(new Uint8Array([at]));
  expect([...gathered.take()]).toEqual(Array.from({ length: 100 }, (_, at) => at));
  for (const piece of [[1, 2, 3], [], [4]]) gathered.add(new Uint8Array(piece));
  const all = gathered.take();
  expect([...all]).toEqual([1, 2, 3, 4]);
  expect(all.buffer.byteLength).toBe(4); // a thread that gets it is sent the whole buffer
});

test('takes its limit and not a byte more', () => {
  const gathered = gather(10);
  gathered.add(new Uint8Array(9));
  expect(() => gathered.add(new Uint8Array(2))).toThrow(expect.objectContaining({ code: 'body_too_large' }));
  gathered.add(new Uint8Array(1));
  expect(gathered.take()).toHaveLength(10);
});

test('keeps no piece, however many there are', () => {
  const piece = new Uint8Array([1]);
  const before = process.memoryUsage().heapUsed;
  const gathered = gather(1_000_000);
  for (let at = 0; at < 1_000_000; at++) gathered.add(piece.subarray());
  globalThis.gc?.();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000);
  piece[0] = 2;
  expect(gathered.take().includes(2)).toBe(false);
});
