import { toBase64 } from '../base64.js';
import type { Face } from './face.js';
import { frameOf, poseOf } from './frame.js';
import { FRAMING } from './framing.js';
import { encodePng } from './image/codecs.js';
import type { Raster } from './image/raster.js';
import type { Label } from './labels.js';
import type { WasmModule } from './wasm-module.js';

/** Where in a face a label's score comes from. */
export interface Saliency {
  label: Label;
  /**
   * A data URL: PNG, grey, as wide and as high as the network's input. 255 stands where the crop speaks most for the
   * label, 0 where it speaks least, over this crop; between, linearly.
   */
  image: string;
  /**
   * What the map lies over, in ratios of the upright image: a square of pixels, to be turned about its middle by the
   * face's roll. May reach beyond 0 to 1.
   */
  crop: { x: number; y: number; width: number; height: number };
}

/** Draws evidence (`Explainer.evidence`, float32 [side, side]) as `Saliency.image`. */
export function drawEvidence(png: WasmModule, values: Float32Array, side: number): string {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const scale = most > least ? 255 / (most - least) : 0;
  const data = new Uint8Array(side * side * 4).fill(255);
  values.forEach((value, at) => {
    data.fill(Math.round((value - least) * scale), at * 4, at * 4 + 3);
  });
  return `data:image/png;base64,${toBase64(encodePng(png, { width: side, height: side, data }))}`;
}

/** The square that `cropFace` samples, before it is turned. */
export function cropOf(face: Face, { width, height }: Pick<Raster, 'width' | 'height'>): Saliency['crop'] {
  const { x, y, side } = frameOf(poseOf(face, width, height), FRAMING);
  return {
    x: (x - side / 2) / width,
    y: (y - side / 2) / height,
    width: side / width,
    height: side / height,
  };
}
