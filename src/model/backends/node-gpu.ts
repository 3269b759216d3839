import { useNative } from './native.js';

/** libtensorflow on CUDA. */
export const useNodeGpu = () => useNative('@tensorflow/tfjs-node-gpu');
