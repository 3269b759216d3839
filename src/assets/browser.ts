import type { Assets } from '../model/assets.js';
import { MienError } from '../model/errors.js';
import type { ModelFiles } from '../model/model.js';
import { hasRelaxedSimd } from '../model/plan/kernels/relaxed-simd.js';

/** The files beside the browser bundle, by what they are: scripts/build/browser.ts puts them there. */
export const BROWSER_FILES = {
  tfjs: 'tfjs.wasm',
  kernels: 'kernels.wasm',
  relaxedKernels: 'kernels-relaxed.wasm',
  jpeg: 'jpeg.wasm',
  png: 'png.wasm',
  webp: 'webp.wasm',
  topology: 'blazeface.json',
  detector: 'blazeface.bin',
  model: 'model.json',
  weights: 'weights.safetensors',
} as const;

/**
 * Fetches and compiles all that a recognizer needs.
 *
 * @param folder address of the folder that holds BROWSER_FILES, with a slash at its end
 * @throws MienError `internal` where a file cannot be fetched or is another, such as a server's page of errors, naming it;
 *   `backend_unavailable` where this browser cannot run a module
 */
export async function fetchFiles(folder: URL): Promise<{ assets: Assets; model: ModelFiles }> {
  const addressOf = (file: keyof typeof BROWSER_FILES) => new URL(BROWSER_FILES[file], folder);
  const bytes = (file: keyof typeof BROWSER_FILES) => fetchBytes(addressOf(file));
  const json = async (file: keyof typeof BROWSER_FILES) =>
    read(addressOf(file), await bytes(file), (own) => JSON.parse(new TextDecoder().decode(own)));
  // Not compileStreaming, which refuses what a file server does not call application/wasm.
  const compile = async (file: keyof typeof BROWSER_FILES) =>
    read(addressOf(file), await bytes(file), (own) => WebAssembly.compile(own));
  const [tfjs, kernels, jpeg, png, webp, topology, weights, description, parameters] = await Promise.all([
    compile('tfjs'),
    compile(hasRelaxedSimd() ? 'relaxedKernels' : 'kernels'),
    compile('jpeg'),
    compile('png'),
    compile('webp'),
    json('topology'),
    bytes('detector'),
    json('model') as Promise<Omit<ModelFiles, 'weights'>>,
    bytes('weights'),
  ]);
  return {
    assets: { wasm: { tfjs, kernels, jpeg, png, webp }, detector: { topology, weights } },
    model: { ...description, weights: new Uint8Array(parameters) },
  };
}

async function fetchBytes(address: URL): Promise<ArrayBuffer> {
  try {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await response.arrayBuffer();
  } catch (cause) {
    const why = (cause as Error).message;
    throw new MienError('internal', `${address} cannot be fetched: ${why}.`, { cause });
  }
}

async function read<T>(
  address: URL,
  bytes: ArrayBuffer,
  as: (bytes: ArrayBuffer) => T | Promise<T>,
): Promise<T> {
  try {
    return await as(bytes);
  } catch (cause) {
    // "\0asm": what does not compile and begins with it is a module, of instructions that are not known here.
    if (new DataView(bytes).byteLength >= 4 && new DataView(bytes).getUint32(0) === 0x0061736d)
      throw new MienError(
        'backend_unavailable',
        `This browser cannot run ${address}: it needs WebAssembly SIMD.`,
        {
          cause,
        },
      );
    throw new MienError(
      'internal',
      `What is served at ${address} is another file: is that the folder of mien's files?`,
      { cause },
    );
  }
}
