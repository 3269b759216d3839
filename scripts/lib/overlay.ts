import { encodePng } from '../../src/model/image/codecs.js';
import { type CodecModules, createImageDecoder, type Raster } from '../../src/model/image.js';
import type { Recognition, RecognizedFace } from '../../src/model/recognizer.js';

/** What is most salient is covered so far: the face must stay visible. */
const MOST_OPAQUE = 0.7;

/**
 * Lays each face's saliency map over its photo in red, as it lies on the face: the more a place speaks for the label,
 * the redder.
 *
 * @param photo the file that `recognition` was made of, with `saliency`
 * @returns a PNG of the upright photo
 */
export async function drawSaliency(
  wasm: CodecModules,
  photo: Uint8Array,
  recognition: Recognition,
): Promise<Uint8Array> {
  const decoder = createImageDecoder(wasm);
  const raster = await decoder.decode(photo);
  for (const face of recognition.faces) {
    const map = await decoder.decode(Buffer.from(face.saliency?.image.split(',')[1] as string, 'base64'));
    layOver(raster, map, face);
  }
  return encodePng(wasm.png, raster);
}

function layOver({ width, height, data }: Raster, map: Raster, { roll, saliency }: RecognizedFace): void {
  const { crop } = saliency as NonNullable<RecognizedFace['saliency']>;
  const side = crop.width * width;
  const [x, y] = [(crop.x + crop.width / 2) * width, (crop.y + crop.height / 2) * height];
  const [cos, sin] = [Math.cos((roll * Math.PI) / 180), Math.sin((roll * Math.PI) / 180)];
  const reach = side * Math.SQRT1_2;
  for (let row = Math.max(0, Math.floor(y - reach)); row < Math.min(height, y + reach); row++)
    for (let column = Math.max(0, Math.floor(x - reach)); column < Math.min(width, x + reach); column++) {
      const [dx, dy] = [column + 0.5 - x, row + 0.5 - y];
      const u = Math.floor(((dx * cos + dy * sin) / side + 0.5) * map.width);
      const v = Math.floor(((dy * cos - dx * sin) / side + 0.5) * map.height);
      if (u < 0 || v < 0 || u >= map.width || v >= map.height) continue;
      const opacity = ((map.data[(v * map.width + u) * 4] as number) / 255) * MOST_OPAQUE;
      const at = (row * width + column) * 4;
      data[at] = (data[at] as number) * (1 - opacity) + 255 * opacity;
      data[at + 1] = (data[at + 1] as number) * (1 - opacity);
      data[at + 2] = (data[at + 2] as number) * (1 - opacity);
    }
}
