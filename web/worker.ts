/**
 * Looks at one picture after the other: `{ bytes, options }` in, `{ recognition }` or `{ error }` out, which has the fields of
 * a MienError: a message that is posted keeps no others of an Error than its own.
 */
import { loadRecognizer, MienError } from '../src/browser.js';
import type { Photo } from '../src/model/photo.js';
import type { RecognizeOptions, Recognizer } from '../src/model/recognizer.js';

interface Question {
  bytes: Photo;
  options?: RecognizeOptions | null;
}

let loading: Promise<Recognizer> | undefined;
/** Answers have no names: they come in the order of the questions. */
let last = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<Question>) => {
  last = last.then(() => answer(data));
};

/** Throws nothing: no later question would be answered. */
async function answer(question: Question | undefined): Promise<void> {
  try {
    const { bytes, options } = question ?? ({} as Question);
    loading ??= loadRecognizer();
    const recognizer = await loading.catch((error) => {
      loading = undefined;
      throw error;
    });
    self.postMessage({ recognition: await recognizer.recognize(bytes, options ?? {}) });
  } catch (error) {
    const { message } = error as Error;
    const { code, details } = MienError.is(error) ? error : { code: 'internal', details: undefined };
    self.postMessage({ error: { message, code, details } });
  }
}
