// The other half of a downsampler: 2x2 max-pool, batch norm as one product and one sum, ReLU.

import { relu } from './vectors';

/**
 * @param x float32 [2 * height, 2 * width, channels]
 * @param out the first output; `cellStep` floats a cell apart, `width` cells a row
 * @param scale float32 [channels], then the shift [channels]
 */
export function pool(x: usize, out: usize, scale: usize, height: i32, width: i32, channels: i32, cellStep: i32): void {
  const cell: usize = <usize>channels << 2;
  const row: usize = 2 * <usize>width * cell;
  for (let y = 0; y < height; y++, x += row)
    for (let i = 0; i < width; i++, x += 2 * cell, out += <usize>cellStep << 2) {
      let c: usize = 0;
      for (; c + 16 <= cell; c += 16) {
        const most = f32x4.pmax(
          f32x4.pmax(v128.load(x + c), v128.load(x + cell + c)),
          f32x4.pmax(v128.load(x + row + c), v128.load(x + row + cell + c)),
        );
        const normed = f32x4.add(f32x4.mul(most, v128.load(scale + c)), v128.load(scale + cell + c));
        v128.store(out + c, relu(normed));
      }
      for (; c < cell; c += 4) {
        const most = max(
          max(load<f32>(x + c), load<f32>(x + cell + c)),
          max(load<f32>(x + row + c), load<f32>(x + row + cell + c)),
        );
        store<f32>(out + c, max<f32>(0, most * load<f32>(scale + c) + load<f32>(scale + cell + c)));
      }
    }
}
