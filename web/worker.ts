/** Looks at one picture after the other: `{ bytes, options }` in, `{ recognition }` or `{ error }` out. */
import { loadRecognizer } from '../src/browser.js';
import type { RecognizeOptions, Recognizer } from '../src/model/recognizer.js';

interface Question {
  bytes: Uint8Array;
  options: RecognizeOptions;
}

let loading: Promise<Recognizer> | undefined;
/** Answers have no names: they come in the order of the questions. */
let last = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<Question>) => {
  last = last.then(() => answer(data));
};

async function answer({ bytes, options }: Question): Promise<void> {
  try {
    loading ??= loadRecognizer();
    const recognizer = await loading.catch((error) => {
      loading = undefined;
      throw error;
    });
    self.postMessage({ recognition: await recognizer.recognize(bytes, options) });
  } catch (error) {
    self.postMessage({ error: (error as Error).message });
  }
}
