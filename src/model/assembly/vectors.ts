// What the kernels share: vectors of four float32, tiles of LINES lines by LANES output channels.

/** Output channels of a tile: two vectors. */
export const LANES: i32 = 8;
/**
 * Lines of a tile: eight accumulators. With six lines, twelve of the machine's 16 vector registers, V8 keeps some in
 * memory, and a tile computes 0.6 times as many products a second.
 */
export const LINES: i32 = 4;

// @ts-ignore: decorator
@inline
export function relu(x: v128): v128 {
  return f32x4.pmax(f32x4.splat(0), x);
}

/** sum + a * b, rounded once where the module is compiled for relaxed SIMD and the processor can. */
// @ts-ignore: decorator
@inline
export function madd(sum: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<f32>(a, b, sum);
  return f32x4.add(sum, f32x4.mul(a, b));
}

// @ts-ignore: decorator
@inline
export function scaled(x: v128, by: f32): v128 {
  return f32x4.mul(x, f32x4.splat(by));
}
