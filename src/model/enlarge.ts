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
  let o = 0;
  for (let n = 0; n < count; n++) {
    const at = (y: number, x: number) => crops[n * area + y * CROP_SIZE + x] as number;
    for (const row of places) {
      for (const { low, high, share } of places) {
        const top = at(row.low, low) + (at(row.low, high) - at(row.low, low)) * share;
        const bottom = at(row.high, low) + (at(row.high, high) - at(row.high, low)) * share;
        out[o++] = top + (bottom - top) * row.share;
      }
    }
  }
  return out;
}
