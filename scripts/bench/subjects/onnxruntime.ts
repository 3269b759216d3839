import { CROP_BYTES, CROP_SIZE } from '../../../src/model/architecture.js';
import { loadPeer } from '../peers.js';
import type { Subject } from './subject.js';

/** The part of onnxruntime-common's API that is used, which both packages have. */
interface OnnxRuntime {
  env: { wasm: { numThreads?: number } };
  Tensor: new (type: 'uint8', data: Uint8Array, dims: readonly number[]) => object;
  InferenceSession: {
    create(
      model: Uint8Array,
      options: { executionProviders: string[]; intraOpNumThreads: number },
    ): Promise<{ run(feeds: Record<string, object>): Promise<{ scores: { data: Float32Array } }> }>;
  };
}

const PROVIDERS = { 'onnxruntime-web': 'wasm', 'onnxruntime-node': 'cpu' } as const;

/**
 * A model that exportOnnx has written, in ONNX Runtime with its own optimisations on, as they are by default.
 * @param threads a process has one number of them on `onnxruntime-web`
 */
export async function onnxRuntime(
  name: keyof typeof PROVIDERS,
  model: Uint8Array,
  threads: number,
): Promise<Subject> {
  const { env, Tensor, InferenceSession } = loadPeer<OnnxRuntime>(name);
  env.wasm.numThreads = threads;
  const session = await InferenceSession.create(model, {
    executionProviders: [PROVIDERS[name]],
    intraOpNumThreads: threads,
  });
  return {
    async classify(crops) {
      const count = crops.length / CROP_BYTES;
      const { scores } = await session.run({
        crops: new Tensor('uint8', crops, [count, CROP_SIZE, CROP_SIZE, 1]),
      });
      return scores.data;
    },
  };
}
