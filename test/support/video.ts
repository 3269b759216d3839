import type { Raster } from '../../src/model/image.js';

/** One picture as an endless YUV4MPEG2 video (4:2:0, full range): what Chromium's fake camera reads. Even sides. */
export function stillVideo({ width, height, data }: Raster): Uint8Array {
  const luma = Buffer.alloc(width * height);
  const [blue, red] = [Buffer.alloc(luma.length / 4), Buffer.alloc(luma.length / 4)];
  for (let at = 0; at < luma.length; at++) {
    const [r, g, b] = data.subarray(at * 4) as unknown as [number, number, number];
    const y = 0.299 * r + 0.587 * g + 0.114 * b;
    luma[at] = y;
    const [column, row] = [at % width, Math.floor(at / width)];
    if (column % 2 || row % 2) continue;
    const chroma = ((row / 2) * width + column) / 2;
    blue[chroma] = 128 + (b - y) / 1.772;
    red[chroma] = 128 + (r - y) / 1.402;
  }
  const frame = [Buffer.from('FRAME\n'), luma, blue, red];
  return Buffer.concat([
    Buffer.from(`YUV4MPEG2 W${width} H${height} F30:1 Ip A1:1 C420jpeg\n`),
    ...frame,
    ...frame,
  ]);
}
