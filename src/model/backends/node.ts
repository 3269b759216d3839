import { useNative } from './native.js';

/** libtensorflow on the CPU: 2.6 to 3 times as fast as wasm. */
export const useNode = () => useNative('@tensorflow/tfjs-node');
