import { existsSync } from 'node:fs';
import { CROP_BYTES } from '../../src/model/architecture.js';
import { readDataSet, rowsOf } from '../train/data/pack.js';

/** uint8 [count, 48, 48]: PublicTest's first crops, or, without a data set, crops of smooth noise from a fixed seed. */
export function sampleCrops(count: number, data: string): Uint8Array {
  const crops = new Uint8Array(count * CROP_BYTES);
  if (existsSync(data)) {
    const set = readDataSet(data);
    rowsOf(set, 'PublicTest')
      .slice(0, count)
      .forEach((row, i) => {
        crops.set(set.images.subarray(row * CROP_BYTES, (row + 1) * CROP_BYTES), i * CROP_BYTES);
      });
    return crops;
  }
  let state = 1;
  for (let i = 0; i < crops.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    crops[i] = Math.round(((crops[i - 1] ?? 128) * 3 + (state >>> 24)) / 4);
  }
  return crops;
}
