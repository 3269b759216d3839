import { readFileSync } from 'node:fs';
import { loadAssets } from '../../../src/assets/node.js';
import { createBackend } from '../../../src/model/backends/index.js';
import { cropFace, cropWhole } from '../../../src/model/crop.js';
import { MienError } from '../../../src/model/errors.js';
import { createFaceDetector } from '../../../src/model/face.js';
import { createImageDecoder, type Raster } from '../../../src/model/image.js';
import { decodeTiff } from './tiff.js';

export interface Cropper {
  /**
   * Crops a picture file: uint8 [48, 48], or undefined where no face is found.
   * @throws MienError `invalid_data` where it cannot be read, naming it
   */
  crop(file: string): Promise<Uint8Array | undefined>;
  dispose(): void;
}

/**
 * Makes crops by the very code that serves.
 * @param face `auto` finds the surest face and crops it; `whole` takes the centre square, for pictures cropped already
 * @param side of every picture, in pixels, where the data set has but one; other pictures are refused
 */
export async function createCropper(face: 'auto' | 'whole', side?: number): Promise<Cropper> {
  const assets = await loadAssets();
  await createBackend('wasm', assets);
  const decoder = createImageDecoder(assets.wasm);
  const detector = await createFaceDetector(assets);
  const read = async (file: string): Promise<Raster> => {
    try {
      const bytes = readFileSync(file);
      const raster = /\.tiff?$/i.test(file) ? decodeTiff(bytes) : await decoder.decode(bytes);
      const { width, height } = raster;
      if (side !== undefined && (width !== side || height !== side))
        throw new Error(`it has ${width}×${height} pixels, not ${side}×${side}`);
      return raster;
    } catch (cause) {
      throw new MienError('invalid_data', `${file}: ${(cause as Error).message}`, {
        cause,
        details: { file },
      });
    }
  };
  return {
    async crop(file) {
      const raster = await read(file);
      if (face === 'whole') return cropWhole(raster);
      const [found] = detector.detect(raster, { maxFaces: 1 });
      return found && cropFace(raster, found);
    },
    dispose: () => detector.dispose(),
  };
}
