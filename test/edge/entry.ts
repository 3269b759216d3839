/** The Worker with a window into it. Bundled by worker.test.ts, never deployed. */
import '../../src/handlers/worker/no-eval.js';
import * as tf from '@tensorflow/tfjs-core';
import relaxedKernels from '../../dist/assets/kernels-relaxed.wasm';
import { bundledAssets } from '../../src/assets/bundled.js';
import worker from '../../src/handlers/worker.js';
import { cropFace } from '../../src/model/crop.js';
import { createFaceDetector } from '../../src/model/face.js';
import { createImageDecoder } from '../../src/model/image.js';
import { hasRelaxedSimd } from '../../src/model/plan/kernels/relaxed-simd.js';

/** Hex SHA-256 of each face's crop. */
async function cropHashes(photo: Uint8Array): Promise<string[]> {
  const raster = await createImageDecoder(bundledAssets.wasm).decode(photo);
  const detector = await createFaceDetector(bundledAssets);
  const crops = detector.detect(raster).map((face) => cropFace(raster, face));
  detector.dispose();
  const hashes = crops.map((crop) => crypto.subtle.digest('SHA-256', crop as Uint8Array<ArrayBuffer>));
  return (await Promise.all(hashes)).map((hash) =>
    Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join(''),
  );
}

function evalIsRefused(): boolean {
  try {
    return new Function('return false')();
  } catch {
    return true;
  }
}

const test: Record<string, (request: Request) => unknown> = {
  '/test/tensors': () => tf.memory().numTensors,
  '/test/runtime': () => ({
    agent: navigator.userAgent,
    evalIsRefused: evalIsRefused(),
    process: typeof process,
    relaxedSimd: hasRelaxedSimd() && bundledAssets.wasm.kernels === relaxedKernels,
  }),
  '/test/crops': async (request) => cropHashes(new Uint8Array(await request.arrayBuffer())),
};

export default {
  async fetch(request: Request, ...rest: [env: object, context: never]): Promise<Response> {
    const answer = test[new URL(request.url).pathname];
    return answer ? Response.json(await answer(request)) : worker.fetch(request, ...rest);
  },
};
