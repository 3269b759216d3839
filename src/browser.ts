/** The browser entry: `npm run build:browser` bundles it to dist/public/browser/mien.js, its files beside it. */
import { evalAsBefore } from './browser/no-eval.js';

// What makes schemas comes after it.

import { fetchFiles } from './assets/browser.js';
import type { ImageDecoderOptions } from './model/image.js';
import { createRecognizer, type Recognizer, warmedUp } from './model/recognizer.js';

export { MienError } from './model/errors.js';
export { LABELS } from './model/labels.js';

evalAsBefore();

export interface LoadOptions extends Pick<ImageDecoderOptions, 'maxPixels'> {
  /** Address of the folder that holds the bundle's files. Default: where this module came from. */
  folder?: string | URL;
}

/**
 * Loads the model into the page, or into a Web Worker, where it does not hold up the page. Pictures stay there:
 * nothing is sent anywhere.
 *
 * @throws MienError `internal` where a file cannot be fetched, `backend_unavailable` without WebAssembly SIMD
 * @example
 * import { loadRecognizer } from './mien/mien.js';
 * const recognizer = await loadRecognizer();
 * const { faces } = await recognizer.recognize(file);
 */
export async function loadRecognizer({ folder, ...options }: LoadOptions = {}): Promise<Recognizer> {
  // A relative address is the page's own; without a document, the worker's.
  const from = new URL(folder || '.', folder === undefined ? import.meta.url : globalThis.location.href);
  if (!from.pathname.endsWith('/')) from.pathname += '/';
  const files = await fetchFiles(from);
  return warmedUp(await createRecognizer({ ...files, backend: 'wasm', ...options }));
}
