/** The package's entry for Node: recognise faces in your own process. */
import { join } from 'node:path';
import { loadAssets, packageRoot } from './assets/node.js';
import { loadModel } from './assets/node-model.js';
import type { BackendName } from './model/backends/index.js';
import type { ImageDecoderOptions } from './model/image.js';
import { createRecognizer as compose, type Recognizer, warmedUp } from './model/recognizer.js';

export type { BackendName } from './model/backends/index.js';
export { MienError, type MienErrorCode } from './model/errors.js';
export { LABELS, type Label } from './model/labels.js';
export type { ClassifyOptions } from './model/model.js';
export type { Photo } from './model/photo.js';
export type {
  Expression,
  Recognition,
  RecognizedFace,
  RecognizeOptions,
  Recognizer,
  RecognizerDescription,
} from './model/recognizer.js';
export type { Saliency } from './model/saliency.js';

export interface RecognizerOptions extends Pick<ImageDecoderOptions, 'maxPixels'> {
  /** Folder of a published model. Default: mien-v1, which comes with the package. */
  model?: string;
  /** What infers: `wasm`, or, where their packages are installed, `node` and `node-gpu`. Default `wasm`. */
  backend?: BackendName;
}

/**
 * Loads a model and makes it ready for the first photo.
 *
 * @throws MienError `invalid_data`, `invalid_architecture` or `invalid_weights` where the model is missing or broken,
 *   `invalid_request` where there is no such backend, `backend_unavailable`, `internal` where the package is not built
 * @example
 * import { createRecognizer } from 'mien';
 * const recognizer = await createRecognizer();
 * const { faces } = await recognizer.recognize(await readFile('photo.jpg'));
 */
export async function createRecognizer(options: RecognizerOptions = {}): Promise<Recognizer> {
  const { model = join(packageRoot(), 'models', 'mien-v1'), backend = 'wasm', ...rest } = options;
  const [assets, files] = await Promise.all([loadAssets(), loadModel(model)]);
  return warmedUp(await compose({ assets, model: files, backend, ...rest }));
}
