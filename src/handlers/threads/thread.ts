/** What runs in each thread of a pool: it finds faces, and where nothing native infers, it infers too, on WebAssembly. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createBackend } from '../../model/backends/index.js';
import { MienError } from '../../model/errors.js';
import { createFaceDetector } from '../../model/face.js';
import { createFinder } from '../../model/finder.js';
import { createImageDecoder } from '../../model/image.js';
import type { Classifier, Explainer } from '../../model/model.js';
import { createClassifier } from '../../model/plan/index.js';
import { ANY_CROP } from '../../model/recognizer.js';
import { log } from '../log.js';
import type { ThreadData, ThreadMethods } from './methods.js';
import { type Answer, LOADED, type Question } from './pool.js';

/** Warm, so that the first photo takes no longer than the others. */
async function load({ assets, model, maxPixels }: ThreadData): Promise<ThreadMethods> {
  const backend = await createBackend('wasm', assets);
  const decoder = createImageDecoder(assets.wasm, { maxPixels });
  const finder = createFinder(decoder, await createFaceDetector(assets));
  const classifier = model && createClassifier(model, backend);
  await finder.warmUp();
  classifier?.classify(ANY_CROP);
  const inferring = (): Classifier & Explainer => {
    if (classifier) return classifier;
    throw new MienError('internal', 'This thread finds faces alone.');
  };
  return {
    find: finder.find,
    classify: (crops) => inferring().classify(crops),
    evidence: (crops, labels) => inferring().evidence(crops, labels),
  };
}

function refusal(error: unknown): Answer {
  if (MienError.is(error))
    return { error: { code: error.code, message: error.message, details: error.details } };
  log('error', 'A thread fails.', { error });
  return { error: { code: 'internal', message: 'Something went wrong here.', details: undefined } };
}

// Where this fails the thread dies, and the pool tries another.
const methods = await load(workerData as ThreadData);
parentPort?.postMessage(LOADED);

(parentPort as MessagePort).on('message', async ({ method, values }: Question) => {
  let answer: Answer;
  try {
    const asked = methods[method as keyof ThreadMethods] as (...values: unknown[]) => unknown;
    answer = { result: await asked(...values) };
  } catch (error) {
    answer = refusal(error);
  }
  parentPort?.postMessage(answer);
});
