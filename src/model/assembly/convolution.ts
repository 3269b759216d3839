// A grouped convolution with bias, on pictures float32 [h, w, c] that stand in the memory of tfjs's wasm backend.
//
// Four output cells by eight channels at a time: for each tap, the addresses of the four cells' inputs stand in a table, so
// that padding (zeros), strides and dilations cost no more than the table ("indirect convolution", Dukhan 2019).

import { LANES, LINES, madd, relu } from './vectors';

/** Output cells that share a table: their inputs and one block of the filter stay in the nearest cache. */
const CELLS: i32 = 48;
/** Bytes of a row of the table: addresses are 4 bytes. */
const ROW: usize = CELLS * 4;

// @ts-ignore: decorator
@inline
function put(x: v128, y: v128, into: usize, rectified: bool): void {
  v128.store(into, rectified ? relu(x) : x);
  v128.store(into, rectified ? relu(y) : y, 16);
}

/**
 * LINES cells by LANES channels. `table` has their inputs' addresses, ROW bytes a tap; `targets` where they go, `offset`
 * bytes on; `filter` is bias [LANES], then [taps, channels, LANES].
 */
function tile(
  table: usize, targets: usize, offset: usize, filter: usize, taps: i32, channels: i32, from: usize, rectified: bool,
): void {
  let x0 = v128.load(filter), y0 = v128.load(filter, 16);
  let x1 = x0, y1 = y0, x2 = x0, y2 = y0, x3 = x0, y3 = y0;
  filter += 32;
  const row: usize = <usize>channels << 2;
  for (const end = table + <usize>taps * ROW; table < end; table += ROW) {
    let p0 = from + load<u32>(table), p1 = from + load<u32>(table, 4);
    let p2 = from + load<u32>(table, 8), p3 = from + load<u32>(table, 12);
    for (const last = p0 + row; p0 < last; ) {
      const u = v128.load(filter), v = v128.load(filter, 16);
      filter += 32;
      let s = v128.load32_splat(p0); x0 = madd(x0, s, u); y0 = madd(y0, s, v); p0 += 4;
      s = v128.load32_splat(p1); x1 = madd(x1, s, u); y1 = madd(y1, s, v); p1 += 4;
      s = v128.load32_splat(p2); x2 = madd(x2, s, u); y2 = madd(y2, s, v); p2 += 4;
      s = v128.load32_splat(p3); x3 = madd(x3, s, u); y3 = madd(y3, s, v); p3 += 4;
    }
  }
  put(x0, y0, load<u32>(targets) + offset, rectified);
  put(x1, y1, load<u32>(targets, 4) + offset, rectified);
  put(x2, y2, load<u32>(targets, 8) + offset, rectified);
  put(x3, y3, load<u32>(targets, 12) + offset, rectified);
}

/**
 * @param x float32 [height, width, groups * channels]
 * @param out the first output; outputs are `cellStep` floats a cell and `rowStep` floats a row apart, and each has `groups`
 *   times `outputs` channels (a multiple of LANES: a filter has no fewer)
 * @param filter for each group, for each LANES of its outputs: bias [LANES], then [kernelHeight * kernelWidth, channels, LANES]
 * @param scratch zeros [groups * channels], then CELLS * (taps + 1) addresses
 */
export function convolution(
  x: usize, out: usize, filter: usize, scratch: usize, height: i32, width: i32, channels: i32, groups: i32,
  outHeight: i32, outWidth: i32, outputs: i32, rowStep: i32, cellStep: i32,
  kernelHeight: i32, kernelWidth: i32, stride: i32, top: i32, left: i32, dilationRows: i32, dilationColumns: i32,
  rectified: bool,
): void {
  const taps = kernelHeight * kernelWidth;
  const cell: usize = <usize>(groups * channels) << 2;
  const table = scratch + cell;
  const targets = table + <usize>taps * ROW;
  const block: usize = (1 + <usize>(taps * channels)) * LANES * 4;
  memory.fill(scratch, 0, cell);
  const total = outHeight * outWidth;
  for (let start = 0; start < total; start += CELLS) {
    const count = min(CELLS, total - start);
    // The last tile is filled up with its last cell.
    const padded = (count + LINES - 1) & ~(LINES - 1);
    for (let i = 0; i < padded; i++) {
      const at = start + min(i, count - 1);
      const row = at / outWidth, column = at % outWidth;
      store32(targets, i, out + (<usize>(row * rowStep + column * cellStep) << 2));
      let tap = table;
      for (let ky = 0; ky < kernelHeight; ky++) {
        const rowIn = row * stride - top + ky * dilationRows;
        for (let kx = 0; kx < kernelWidth; kx++, tap += ROW) {
          const columnIn = column * stride - left + kx * dilationColumns;
          const inside = <u32>rowIn < <u32>height && <u32>columnIn < <u32>width;
          store32(tap, i, inside ? x + <usize>(rowIn * width + columnIn) * cell : scratch);
        }
      }
    }
    let b = filter;
    for (let group = 0; group < groups; group++) {
      const from: usize = <usize>(group * channels) << 2;
      for (let o = group * outputs; o < (group + 1) * outputs; o += LANES, b += block)
        for (let i: usize = 0; i < <usize>padded << 2; i += LINES << 2)
          tile(table + i, targets + i, <usize>o << 2, b, taps, channels, from, rectified);
    }
  }
}

// @ts-ignore: decorator
@inline
function store32(base: usize, index: i32, address: usize): void {
  store<u32>(base + (<usize>index << 2), <u32>address);
}
