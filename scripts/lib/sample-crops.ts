import { existsSync } from 'node:fs';
import { CROP_BYTES } from '../../src/model/architecture.js';
import { cropsOf, readDataSet, rowsOf } from '../train/data/pack.js';

/**
 * uint8 [count, 48, 48]: PublicTest's first crops, all where it has fewer, or, without a data set, crops of smooth noise
 * from a fixed seed.
 */
export function sampleCrops(count: number, data: string): Uint8Array {
  if (existsSync(data)) {
    const set = readDataSet(data);
    return cropsOf(set.images, rowsOf(set, 'PublicTest').slice(0, count));
  }
  const crops = new Uint8Array(count * CROP_BYTES);
  let state = 1;
  for (let i = 0; i < crops.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    crops[i] = Math.round(((crops[i - 1] ?? 128) * 3 + (state >>> 24)) / 4);
  }
  return crops;
}
