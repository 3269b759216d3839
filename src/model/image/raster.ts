/**
 * A decoded photo, upright.
 *
 * `data` holds `width * height * 4` bytes, RGBA, row major from the top left. Decoding leaves every pixel
 * opaque (alpha 255).
 */
export interface Raster {
  width: number;
  height: number;
  data: Uint8ClampedArray | Uint8Array;
}
