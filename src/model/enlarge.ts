import { CROP_SIZE } from './architecture.js';

/** Source indices and the second one's share, for each of `side` destinations: half-pixel centres, clamped at the edges. */
function taps(side: number) {
  const ratio = CROP_SIZE / side;
  return Array.from({ length: side }, (_, i) => {
    const at = Math.min(CROP_SIZE - 1, Math.max(0, (i + 0.5) * ratio - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(CROP_SIZE - 1, low + 1), share: at - low };
  });
}

/**
 * The network's first operation: enlarges crops to side × side, bilinear with half-pixel centres.
 * @param crops uint8 [n, 48, 48]
 * @returns float32 [n, side, side], 0 to 255
 */
export function enlarge(crops: Uint8Array, side: number): Float32Array {
  const area = CROP_SIZE * CROP_SIZE;
  const count = crops.length / area;
  const out = new Float32Array(count * side * side);
  const places = taps(side);
  // Every row of a crop is enlarged once; each row of the output lies between two of them.
  const rows = new Float64Array(CROP_SIZE * side);
  let o = 0;
  for (let n = 0; n < count; n++) {
    let r = 0;
    for (let from = n * area; from < (n + 1) * area; from += CROP_SIZE) {
      for (const { low, high, share } of places) {
        const left = crops[from + low] as number;
        rows[r++] = left + ((crops[from + high] as number) - left) * share;
      }
    }
    for (const { low, high, share } of places) {
      for (let x = 0; x < side; x++) {
        const top = rows[low * side + x] as number;
        out[o++] = top + ((rows[high * side + x] as number) - top) * share;
      }
    }
  }
  return out;
}
