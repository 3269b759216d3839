// A residual block on pictures float32 [h, w, groups * c] (c a multiple of 8) that stand in the memory of tfjs's wasm
// backend: two pairs of a 3x1 and a 1x3 convolution, the second pair dilated, added to the input. One group goes through
// all four convolutions before the next, so that what lies between them stays in the nearer caches.
//
// Each convolution runs along one axis, so it is a set of one-dimensional filters of three taps. Winograd's minimal
// filtering (Lavin and Gray, 2015, section 4.1) computes four outputs, one dilation apart, by six matrix products
// instead of twelve: F(4, 3), or two by four: F(2, 3), where fewer are left; a lone one has two taps inside.

import { LANES, LINES, madd, relu, scaled } from './vectors';

/** Bytes of a tile of products. */
const TILE: usize = 128;
/** Scratch before the transformed inputs: four tiles, then two zero vectors. */
const ZERO: usize = 4 * TILE;
const HEAD: usize = 1024;
/** Matrices of a filter: six of F(4, 3), four of F(2, 3), two of a lone output. */
const MATRICES: usize = 12;
const PAIR: usize = 6;
const LONE: usize = 10;

// @ts-ignore: decorator
@inline
function finish(x: v128, into: usize, add: usize, residual: bool): void {
  v128.store(into, relu(residual ? f32x4.add(x, v128.load(add)) : x));
}

/**
 * LINES lines by LANES channels of the product of `a` [lines, channels] and `b` [channels, LANES], added to what
 * stands at `from`, `fromStep` bytes a line. To a tile of scratch if `step` is 0, and else, as outputs, `step` bytes
 * a line.
 */
function tile(a: usize, b: usize, channels: i32, from: usize, fromStep: usize, into: usize, step: usize, add: usize): void {
  let x0 = v128.load(from), y0 = v128.load(from, 16); from += fromStep;
  let x1 = v128.load(from), y1 = v128.load(from, 16); from += fromStep;
  let x2 = v128.load(from), y2 = v128.load(from, 16); from += fromStep;
  let x3 = v128.load(from), y3 = v128.load(from, 16);
  const row: usize = <usize>channels << 2;
  let p0 = a, p1 = a + row, p2 = p1 + row, p3 = p2 + row;
  for (const last = a + row; p0 < last; ) {
    const u = v128.load(b), v = v128.load(b, 16);
    b += 32;
    let s = v128.load32_splat(p0); x0 = madd(x0, s, u); y0 = madd(y0, s, v); p0 += 4;
    s = v128.load32_splat(p1); x1 = madd(x1, s, u); y1 = madd(y1, s, v); p1 += 4;
    s = v128.load32_splat(p2); x2 = madd(x2, s, u); y2 = madd(y2, s, v); p2 += 4;
    s = v128.load32_splat(p3); x3 = madd(x3, s, u); y3 = madd(y3, s, v); p3 += 4;
  }
  if (step == 0) {
    v128.store(into, x0); v128.store(into, y0, 16);
    v128.store(into, x1, 32); v128.store(into, y1, 48);
    v128.store(into, x2, 64); v128.store(into, y2, 80);
    v128.store(into, x3, 96); v128.store(into, y3, 112);
    return;
  }
  const residual = add != 0;
  finish(x0, into, add, residual); finish(y0, into + 16, add + 16, residual); into += step; add += residual ? step : 0;
  finish(x1, into, add, residual); finish(y1, into + 16, add + 16, residual); into += step; add += residual ? step : 0;
  finish(x2, into, add, residual); finish(y2, into + 16, add + 16, residual); into += step; add += residual ? step : 0;
  finish(x3, into, add, residual); finish(y3, into + 16, add + 16, residual);
}

/** F(2, 3): M1 and M2, in the first two tiles, to M1 + M2 and M1 - M2. */
// @ts-ignore: decorator
@inline
function combinePair(scratch: usize): void {
  for (let at = scratch; at < scratch + TILE; at += 16) {
    const m1 = v128.load(at), m2 = v128.load(at, TILE);
    v128.store(at, f32x4.add(m1, m2));
    v128.store(at, f32x4.sub(m1, m2), TILE);
  }
}

/**
 * F(4, 3): from M1 to M4, in the tiles, the second and third outputs, and in the first two tiles what the first and
 * the last output begin with.
 */
// @ts-ignore: decorator
@inline
function combineQuad(scratch: usize, second: usize, third: usize, step: usize, addSecond: usize, addThird: usize): void {
  const residual = addSecond != 0;
  for (let line = 0; line < LINES; line++) {
    for (let lane: usize = 0; lane < 32; lane += 16) {
      const at = scratch + <usize>line * 32 + lane;
      const m1 = v128.load(at), m2 = v128.load(at, TILE), m3 = v128.load(at, 2 * TILE), m4 = v128.load(at, 3 * TILE);
      const p = f32x4.add(m1, m2), q = f32x4.sub(m1, m2), r = f32x4.add(m3, m4), s = f32x4.sub(m3, m4);
      const offset = <usize>line * step + lane;
      finish(f32x4.add(q, f32x4.add(s, s)), second + offset, addSecond + offset, residual);
      finish(f32x4.add(p, scaled(r, 4)), third + offset, addThird + offset, residual);
      v128.store(at, f32x4.add(p, r));
      v128.store(at, f32x4.add(q, scaled(s, 8)), TILE);
    }
  }
}

/** The six transformed inputs of four outputs, [6][lines, channels]; positions outside are 0. */
function transformQuad(
  source: usize, lines: i32, lineStep: usize, before: bool, after: bool, tapStep: usize, channels: i32, v: usize,
): void {
  const row: usize = <usize>channels << 2;
  const plane: usize = <usize>lines * row;
  for (let line = 0; line < lines; line++) {
    let p = source + <usize>line * lineStep;
    let q = v + <usize>line * row;
    for (const last = q + row; q < last; q += 16, p += 16) {
      const d0 = before ? v128.load(p - tapStep) : f32x4.splat(0);
      const d1 = v128.load(p);
      const d2 = v128.load(p + tapStep);
      const d3 = v128.load(p + 2 * tapStep);
      const d4 = v128.load(p + 3 * tapStep);
      const d5 = after ? v128.load(p + 4 * tapStep) : f32x4.splat(0);
      const even = f32x4.sub(d4, scaled(d2, 4)), odd = f32x4.sub(d3, scaled(d1, 4));
      const half = f32x4.sub(d4, d2), twice = f32x4.sub(d3, d1), double = f32x4.add(twice, twice);
      v128.store(q, f32x4.add(f32x4.sub(scaled(d0, 4), scaled(d2, 5)), d4));
      v128.store(q + plane, f32x4.add(even, odd));
      v128.store(q + 2 * plane, f32x4.sub(even, odd));
      v128.store(q + 3 * plane, f32x4.add(half, double));
      v128.store(q + 4 * plane, f32x4.sub(half, double));
      v128.store(q + 5 * plane, f32x4.add(f32x4.sub(scaled(d1, 4), scaled(d3, 5)), d5));
    }
  }
}

/** The four transformed inputs of two outputs, [4][lines, channels]. */
function transformPair(
  source: usize, lines: i32, lineStep: usize, before: bool, after: bool, tapStep: usize, channels: i32, v: usize,
): void {
  const row: usize = <usize>channels << 2;
  const plane: usize = <usize>lines * row;
  for (let line = 0; line < lines; line++) {
    let p = source + <usize>line * lineStep;
    let q = v + <usize>line * row;
    for (const last = q + row; q < last; q += 16, p += 16) {
      const d0 = before ? v128.load(p - tapStep) : f32x4.splat(0);
      const d1 = v128.load(p);
      const d2 = v128.load(p + tapStep);
      const d3 = after ? v128.load(p + 2 * tapStep) : f32x4.splat(0);
      v128.store(q, f32x4.sub(d0, d2));
      v128.store(q + plane, f32x4.add(d1, d2));
      v128.store(q + 2 * plane, f32x4.sub(d2, d1));
      v128.store(q + 3 * plane, f32x4.sub(d3, d1));
    }
  }
}

/** The two inputs of a lone output that are inside, [2][lines, channels]. */
function gatherLone(
  source: usize, lines: i32, lineStep: usize, before: bool, tapStep: usize, channels: i32, v: usize,
): void {
  const row: usize = <usize>channels << 2;
  const plane: usize = <usize>lines * row;
  for (let line = 0; line < lines; line++) {
    let p = source + <usize>line * lineStep;
    let q = v + <usize>line * row;
    for (const last = q + row; q < last; q += 16, p += 16) {
      v128.store(q, before ? v128.load(p - tapStep) : f32x4.splat(0));
      v128.store(q + plane, v128.load(p));
    }
  }
}

/**
 * Three taps along one axis, bias, ReLU; with `add` not 0, the sum with it before the ReLU. Lines are `lineStep` bytes
 * apart in the source and `outLine` in the target, positions along a line `step` and `outStep`; `add` is as the target.
 * `filter`: bias [c], then for each LANES output channels MATRICES matrices [c, LANES].
 */
function along(
  source: usize, lineStep: usize, step: usize, target: usize, outLine: usize, outStep: usize, add: usize,
  filter: usize, scratch: usize, channels: i32, lines: i32, length: i32, dilation: i32,
): void {
  const row: usize = <usize>channels << 2;
  const plane: usize = <usize>lines * row;
  const matrix: usize = row * LANES;
  const v = scratch + HEAD;
  const tapStep = <usize>dilation * step, outTap = <usize>dilation * outStep;
  const addTap: usize = add != 0 ? outTap : 0;
  for (let residue = 0; residue < min(dilation, length); residue++) {
    let a = residue;
    while (a < length) {
      const from = source + <usize>a * step;
      const before = a >= dilation;
      const outputs = a + 3 * dilation < length ? 4 : a + dilation < length ? 2 : 1;
      if (outputs == 4) transformQuad(from, lines, lineStep, before, a + 4 * dilation < length, tapStep, channels, v);
      else if (outputs == 2) transformPair(from, lines, lineStep, before, a + 2 * dilation < length, tapStep, channels, v);
      else gatherLone(from, lines, lineStep, before, tapStep, channels, v);
      for (let o = 0; o < channels; o += LANES) {
        const bias = filter + (<usize>o << 2);
        const u = filter + row + <usize>(o / LANES) * MATRICES * matrix;
        for (let next = 0; next < lines; next += LINES) {
          const line = min(next, lines - LINES);
          const x = v + <usize>line * row;
          const at = <usize>a * outStep + <usize>line * outLine + (<usize>o << 2);
          const out = target + at;
          const old = add != 0 ? add + at : 0;
          if (outputs == 4) {
            tile(x + plane, u + matrix, channels, bias, 0, scratch, 0, 0);
            tile(x + 2 * plane, u + 2 * matrix, channels, scratch + ZERO, 0, scratch + TILE, 0, 0);
            tile(x + 3 * plane, u + 3 * matrix, channels, scratch + ZERO, 0, scratch + 2 * TILE, 0, 0);
            tile(x + 4 * plane, u + 4 * matrix, channels, scratch + ZERO, 0, scratch + 3 * TILE, 0, 0);
            combineQuad(scratch, out + outTap, out + 2 * outTap, outLine, old + addTap, old + 2 * addTap);
            tile(x, u, channels, scratch, 32, out, outLine, old);
            tile(x + 5 * plane, u + 5 * matrix, channels, scratch + TILE, 32, out + 3 * outTap, outLine, old + 3 * addTap);
          } else if (outputs == 2) {
            tile(x + plane, u + (PAIR + 1) * matrix, channels, bias, 0, scratch, 0, 0);
            tile(x + 2 * plane, u + (PAIR + 2) * matrix, channels, scratch + ZERO, 0, scratch + TILE, 0, 0);
            combinePair(scratch);
            tile(x, u + PAIR * matrix, channels, scratch, 32, out, outLine, old);
            tile(x + 3 * plane, u + (PAIR + 3) * matrix, channels, scratch + TILE, 32, out + outTap, outLine, old + addTap);
          } else {
            tile(x, u + LONE * matrix, channels, bias, 0, scratch, 0, 0);
            tile(x + plane, u + (LONE + 1) * matrix, channels, scratch, 32, out, outLine, old);
          }
        }
      }
      a += outputs * dilation;
    }
  }
}

/**
 * @param x, out float32 [count, h, w, groups * c], h and w at least LINES, c a multiple of LANES
 * @param filters for each group four filters as `along` takes them, one behind the other
 * @param scratch HEAD bytes, 6 * max(h, w) * c floats, then two planes of h * w * c floats
 */
export function residual(
  x: usize, out: usize, filters: usize, scratch: usize,
  count: i32, height: i32, width: i32, channels: i32, groups: i32, dilation: i32,
): void {
  v128.store(scratch + ZERO, f32x4.splat(0));
  v128.store(scratch + ZERO, f32x4.splat(0), 16);
  // A cell and a row of a group alone, as between the convolutions, and of all groups.
  const cell: usize = <usize>channels << 2, row: usize = <usize>width * cell;
  const wide: usize = <usize>groups * cell, wideRow: usize = <usize>groups * row;
  const filter: usize = cell + MATRICES * cell * <usize>channels;
  const first = scratch + HEAD + 6 * cell * <usize>max(height, width);
  const second = first + <usize>height * row;
  for (let n = 0; n < count; n++) {
    for (let group = 0; group < groups; group++) {
      const f = filters + <usize>(4 * group) * filter, at = <usize>group * cell;
      along(x + at, wide, wideRow, first, cell, row, 0, f, scratch, channels, width, height, 1);
      along(first, row, cell, second, row, cell, 0, f + filter, scratch, channels, height, width, 1);
      along(second, cell, row, first, cell, row, 0, f + 2 * filter, scratch, channels, width, height, dilation);
      along(first, row, cell, out + at, wideRow, wide, x + at, f + 3 * filter, scratch, channels, height, width, dilation);
    }
    x += <usize>height * wideRow;
    out += <usize>height * wideRow;
  }
}
