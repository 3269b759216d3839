/**
 * Required before the server: from SIGUSR2 on libtensorflow fails as it does once a GPU's context is lost. Only a mock can
 * break a GPU on purpose.
 */
const { isMainThread } = require('node:worker_threads');
const Module = require('node:module');

if (isMainThread) {
  let lost = false;
  process.on('SIGUSR2', () => {
    lost = true;
  });
  const load = Module._load;
  Module._load = function (request, ...rest) {
    const loaded = load.call(this, request, ...rest);
    const prototype = loaded?.NodeJSKernelBackend?.prototype;
    if (prototype && !prototype.runs) {
      prototype.runs = prototype.runSavedModel;
      prototype.runSavedModel = function (...values) {
        if (lost) throw new Error('CUDA error: an illegal memory access was encountered');
        return this.runs(...values);
      };
    }
    return loaded;
  };
}
