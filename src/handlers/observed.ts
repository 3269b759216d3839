import type { Recognition, Recognizer } from '../model/recognizer.js';

/** Hears of every photo that has been answered. */
export type Observer = (timing: Recognition['timing']) => void;

/** The same recognizer, telling what its stages took. */
export const observed = <T extends Pick<Recognizer, 'recognize'>>(recognizer: T, observer: Observer): T => ({
  ...recognizer,
  async recognize(bytes, options) {
    const recognition = await recognizer.recognize(bytes, options);
    observer(recognition.timing);
    return recognition;
  },
});
