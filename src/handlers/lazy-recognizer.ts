import type { Recognizer } from '../model/recognizer.js';

export interface LazyRecognizer extends Recognizer {
  /** Whether it has warmed up, by `warmUp` or by answering. */
  ready(): boolean;
}

/**
 * A recognizer that an app can have before it is loaded: whatever is asked of it waits for `load`, which runs
 * once, or again after it has failed.
 */
export function lazyRecognizer(load: () => Promise<Recognizer>): LazyRecognizer {
  let loading: Promise<Recognizer> | undefined;
  let warm = false;
  const loaded = () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return {
    async recognize(bytes, options) {
      const recognition = await (await loaded()).recognize(bytes, options);
      warm = true;
      return recognition;
    },
    async classify(crops, options) {
      return (await loaded()).classify(crops, options);
    },
    async describe() {
      return (await loaded()).describe();
    },
    async warmUp() {
      await (await loaded()).warmUp();
      warm = true;
    },
    ready: () => warm,
    dispose() {
      warm = false;
      loading?.then((recognizer) => recognizer.dispose()).catch(() => {});
      loading = undefined;
    },
  };
}
