// What src/model/face/letterbox.ts does for each pixel of a picture. Without fused multiply-add, so that every runtime
// finds the same faces.

/** Rows of 255 whose sum is a uint16. */
const MOST_ROWS: usize = 257;

/** Four uint16 as float32. */
// @ts-ignore: decorator
@inline
function low(x: v128): v128 {
  return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(x));
}

// @ts-ignore: decorator
@inline
function high(x: v128): v128 {
  return f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(x));
}

/**
 * The weighted sum of neighbouring rows of a picture.
 *
 * @param rows uint8 [count, rowBytes], `count` at least 1; `rowBytes` is a multiple of 16
 * @param first weight of the first row; `last` that of the last one, where there are two; `middle` of those between
 * @param sum float32 [rowBytes]
 */
export function sumRows(rows: usize, count: i32, rowBytes: usize, first: f32, middle: f32, last: f32, sum: usize): void {
  const firsts = f32x4.splat(first), middles = f32x4.splat(middle), lasts = f32x4.splat(last);
  const between = <usize>max(0, count - 2) * rowBytes;
  for (const end = rows + rowBytes; rows < end; rows += 16, sum += 64) {
    let bytes = v128.load(rows);
    let left = i16x8.extend_low_i8x16_u(bytes), right = i16x8.extend_high_i8x16_u(bytes);
    let a = f32x4.mul(low(left), firsts), b = f32x4.mul(high(left), firsts);
    let c = f32x4.mul(low(right), firsts), d = f32x4.mul(high(right), firsts);
    for (let row = rows + rowBytes, after = row + between; row < after; ) {
      left = right = i16x8.splat(0);
      for (const full = min(after, row + MOST_ROWS * rowBytes); row < full; row += rowBytes) {
        bytes = v128.load(row);
        left = i16x8.add(left, i16x8.extend_low_i8x16_u(bytes));
        right = i16x8.add(right, i16x8.extend_high_i8x16_u(bytes));
      }
      a = f32x4.add(a, f32x4.mul(low(left), middles)); b = f32x4.add(b, f32x4.mul(high(left), middles));
      c = f32x4.add(c, f32x4.mul(low(right), middles)); d = f32x4.add(d, f32x4.mul(high(right), middles));
    }
    if (count > 1) {
      bytes = v128.load(rows + rowBytes + between);
      left = i16x8.extend_low_i8x16_u(bytes); right = i16x8.extend_high_i8x16_u(bytes);
      a = f32x4.add(a, f32x4.mul(low(left), lasts)); b = f32x4.add(b, f32x4.mul(high(left), lasts));
      c = f32x4.add(c, f32x4.mul(low(right), lasts)); d = f32x4.add(d, f32x4.mul(high(right), lasts));
    }
    v128.store(sum, a); v128.store(sum, b, 16); v128.store(sum, c, 32); v128.store(sum, d, 48);
  }
}

/**
 * A row of 0 to 255 as so many columns of -1 to 1, each the weighted sum of neighbouring pixels.
 *
 * @param row float32 [pixels, RGBA]
 * @param taps for each column two int32: the bytes from the row's begin to its first pixel, and of its weights; then the
 *   weights, float32, of one column after another
 * @param out float32 [columns, RGB]
 */
export function sumColumns(row: usize, taps: usize, columns: i32, out: usize): void {
  const one = f32x4.splat(1), half = f32x4.splat(127.5);
  const weights = taps + (<usize>columns << 3);
  for (let weight = weights; taps < weights; taps += 8, out += 12) {
    let at = row + <usize>load<i32>(taps);
    let sum = f32x4.splat(0);
    for (const end = weight + <usize>load<i32>(taps, 4); weight < end; weight += 4, at += 16)
      sum = f32x4.add(sum, f32x4.mul(v128.load(at), v128.load32_splat(weight)));
    const value = f32x4.sub(f32x4.div(sum, half), one);
    v128.store64_lane(out, value, 0);
    v128.store32_lane(out, value, 2, 8);
  }
}
