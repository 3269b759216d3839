/** Looks at one picture after the other: `{ bytes, options }` in, `{ recognition }` or `{ error }` out. */
import { loadRecognizer } from '../src/browser.js';
import type { RecognizeOptions, Recognizer } from '../src/model/recognizer.js';

let loading: Promise<Recognizer> | undefined;

self.onmessage = async ({ data }: MessageEvent<{ bytes: Uint8Array; options: RecognizeOptions }>) => {
  try {
    loading ??= loadRecognizer();
    const recognizer = await loading.catch((error) => {
      loading = undefined;
      throw error;
    });
    self.postMessage({ recognition: await recognizer.recognize(data.bytes, data.options) });
  } catch (error) {
    self.postMessage({ error: (error as Error).message });
  }
};
