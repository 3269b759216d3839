import { join } from 'node:path';
import { loadAssets, packageRoot } from '../../src/assets/node.js';
import { loadModel } from '../../src/assets/node-model.js';
import { parseArchitecture } from '../../src/model/architecture.js';
import { createBackend } from '../../src/model/backends/index.js';
import { cropFace } from '../../src/model/crop.js';
import { enlarge } from '../../src/model/enlarge.js';
import { createFaceDetector, type Face } from '../../src/model/face.js';
import { createImageDecoder, type Raster } from '../../src/model/image.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { type Quartiles, quartiles } from '../lib/statistics.js';
import { largePhoto, phonePhoto, photo } from './pictures.js';

const ROUNDS = 15;

/** What a photo goes through, in this order. `infer` enlarges too, since a classifier takes crops. */
export const STAGES = ['decode', 'detect', 'crop', 'enlarge', 'infer'] as const;
export type Stage = (typeof STAGES)[number];

export interface PhotoStages {
  picture: string;
  faces: number;
  /** Milliseconds of the whole picture, all its faces. */
  stages: Record<Stage, Quartiles>;
}

/** Times each stage of a photo's way on wasm. */
export async function timeStages(): Promise<PhotoStages[]> {
  const assets = await loadAssets();
  const model = await loadModel(join(packageRoot(), 'models', 'mien-v1'));
  const backend = await createBackend('wasm', assets);
  const [decoder, detector] = [createImageDecoder(assets.wasm), await createFaceDetector(assets)];
  const classifier = createClassifier(model, backend);
  const { side } = parseArchitecture(model.architecture);
  const pictures = {
    'PNG, 512×512': photo(),
    'JPEG, 1920×1080': await largePhoto(decoder),
    'JPEG, 4032×3024': await phonePhoto(decoder),
  };
  const results: PhotoStages[] = [];
  for (const [picture, bytes] of Object.entries(pictures)) {
    const times: Record<Stage, number[]> = { decode: [], detect: [], crop: [], enlarge: [], infer: [] };
    const timed = async <T>(stage: Stage, work: () => T | Promise<T>): Promise<T> => {
      const before = performance.now();
      const result = await work();
      times[stage].push(performance.now() - before);
      return result;
    };
    let faces: Face[] = [];
    // Two more rounds than are counted, to warm up.
    for (let round = 0; round < ROUNDS + 2; round++) {
      const raster: Raster = await timed('decode', () => decoder.decode(bytes));
      faces = await timed('detect', () => detector.detect(raster));
      const crops = await timed('crop', () =>
        Uint8Array.from(faces.flatMap((face) => [...cropFace(raster, face)])),
      );
      await timed('enlarge', () => enlarge(crops, side));
      await timed('infer', () => classifier.classify(crops));
    }
    const stages = Object.fromEntries(STAGES.map((stage) => [stage, quartiles(times[stage].slice(2))]));
    results.push({ picture, faces: faces.length, stages: stages as PhotoStages['stages'] });
  }
  classifier.dispose();
  detector.dispose();
  return results;
}
