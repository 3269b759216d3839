/** Imported before the server, to see what it would do on tfjs's kernels alone: mien's own are not registered. */
import { createRequire } from 'node:module';

type Register = (config: { kernelName: string }) => void;

const tfjs = createRequire(import.meta.url)('@tensorflow/tfjs-core') as { registerKernel: Register };
const register = tfjs.registerKernel;
tfjs.registerKernel = (config) => {
  if (!config.kernelName.startsWith('Mien')) register(config);
};
