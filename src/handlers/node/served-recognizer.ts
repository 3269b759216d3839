import { loadAssets } from '../../assets/node.js';
import { loadModel } from '../../assets/node-model.js';
import { type Batcher, createBatcher } from '../batching.js';
import { chooseBackend } from '../choose-backend.js';
import type { Config } from '../config.js';
import { type LazyRecognizer, lazyRecognizer } from '../lazy-recognizer.js';
import type { Metrics } from '../metrics.js';
import { createThreadedRecognizer } from '../threads/threaded-recognizer.js';
import { type Upstream, withUpstream } from '../upstream.js';

export interface ServedOptions {
  metrics: Metrics;
  upstream: Upstream | undefined;
  /** Hears, once, that nothing can be computed in this process any more. */
  hopeless(): void;
}

export interface Served {
  recognizer: LazyRecognizer;
  /** Crops that wait for an inference. */
  queueLength(): number;
  /** Photos that wait for a thread. */
  photosWaiting(): number;
}

/** A recognizer as it is configured, in threads, with a queue before what infers. Loads when it is first asked. */
export function servedRecognizer(config: Config, { metrics, upstream, hopeless }: ServedOptions): Served {
  let batcher: Batcher | undefined;
  let photosWaiting = () => 0;
  const recognizer = lazyRecognizer(async () => {
    const [assets, model] = await Promise.all([loadAssets(), loadModel(config.MODEL)]);
    const backend = await chooseBackend(config.BACKEND, assets);
    metrics.backend(backend);
    const threaded = await createThreadedRecognizer({
      threads: config.THREADS,
      assets,
      model,
      backend,
      maxPixels: config.MAX_PIXELS,
      waitMs: config.QUEUE_TIMEOUT_MS,
      workMs: config.PHOTO_TIMEOUT_MS,
      hopeless,
      queue(classifier, { version }, parallel) {
        batcher = createBatcher(classifier, {
          parallel,
          batchMax: config.BATCH_MAX,
          waitMs: config.BATCH_WAIT_MS,
          queueMax: config.QUEUE_MAX,
          deadlineMs: config.QUEUE_TIMEOUT_MS,
          onBatch: metrics.batch,
        });
        return withUpstream(batcher, version, () => upstream);
      },
    });
    photosWaiting = threaded.waiting;
    return threaded.recognizer;
  });
  return {
    recognizer,
    queueLength: () => batcher?.length() ?? 0,
    photosWaiting: () => photosWaiting(),
  };
}
