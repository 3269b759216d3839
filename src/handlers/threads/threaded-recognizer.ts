import { Worker } from 'node:worker_threads';
import type { Assets } from '../../model/assets.js';
import { type BackendName, createBackend } from '../../model/backends/index.js';
import type { FaceFinder, FoundFaces } from '../../model/finder.js';
import type { Classifier, Evidence, ModelFiles, QueuedClassifier } from '../../model/model.js';
import { createClassifier } from '../../model/plan/index.js';
import { ANY_CROP, composeRecognizer, type Recognizer } from '../../model/recognizer.js';
import { inTurns } from '../in-turns.js';
import { watched } from '../watched.js';
import type { ThreadData, ThreadMethods } from './methods.js';
import { type AskOptions, createPool, type Pool } from './pool.js';

export interface ThreadedOptions {
  threads: number;
  assets: Assets;
  model: ModelFiles;
  backend: BackendName;
  maxPixels: number;
  /** Longest wait for a thread, of a photo and of its faces, and longest work on a photo, milliseconds. */
  waitMs: number;
  workMs: number;
  /** Hears, once, that neither threads nor native TensorFlow will ever answer again in this process. */
  hopeless(): void;
  /** Puts a queue before what infers; `parallel` says how many inferences that can do at a time. */
  queue(classifier: Classifier | QueuedClassifier, model: ModelFiles, parallel: number): QueuedClassifier;
}

/**
 * A recognizer whose photos are decoded and searched in threads. WebAssembly infers there too; native TensorFlow, which
 * has threads of its own, infers here, in batches. So the thread that answers requests is never kept long.
 *
 * @throws MienError as `createRecognizer`
 */
export async function createThreadedRecognizer(options: ThreadedOptions): Promise<{
  recognizer: Recognizer;
  /** Photos that wait for a thread. */
  waiting(): number;
}> {
  const { threads, assets, model, backend, maxPixels, waitMs, workMs, hopeless, queue } = options;
  const compiled =
    backend === 'wasm'
      ? undefined
      : watched(createClassifier(model, await createBackend(backend, assets)), hopeless);
  const { wasm, detector } = assets;
  const data: ThreadData = { assets: { wasm, detector }, model: compiled ? undefined : model, maxPixels };
  const pool = createPool({ size: threads, start: () => startThread(data), hopeless });
  const ask = asking(pool);
  /** What ends a photo that has been begun. */
  const ending: AskOptions = { urgent: true, deadlineMs: waitMs };
  const finder: FaceFinder = {
    find: (bytes, { signal, ...find }) =>
      ask<FoundFaces>('find', [bytes, find], { signal, deadlineMs: waitMs, limitMs: workMs }),
    warmUp: () => pool.ready,
    dispose: () => pool.dispose(),
  };
  const inThreads: QueuedClassifier = {
    classify: (crops) => ask<Float32Array>('classify', [crops], ending),
    dispose() {},
  };
  const recognizer = composeRecognizer({
    finder,
    classifier: queue(compiled ?? inThreads, model, compiled ? 1 : threads),
    explainer: compiled
      ? inTurns(compiled)
      : {
          evidence: (crops, labels) => ask<Evidence>('evidence', [crops, labels], ending),
        },
    png: wasm.png,
    warmUp: async () => {
      compiled?.classify(ANY_CROP);
    },
    model,
    backend,
  });
  return { recognizer, waiting: pool.waiting };
}

/** The thread's code stands beside this; from TypeScript, before it is compiled, tsx has to be told to translate there too. */
function startThread(workerData: ThreadData): Worker {
  const here = import.meta.url;
  if (!here.endsWith('.ts')) return new Worker(new URL('./thread.js', here), { workerData });
  const entry = JSON.stringify(new URL('./thread.ts', here).href);
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import(${entry}); });`;
  return new Worker(code, { eval: true, workerData });
}

const asking =
  (pool: Pool) =>
  <T>(method: keyof ThreadMethods, values: unknown[], options?: AskOptions) =>
    pool.ask({ method, values }, options) as Promise<T>;
