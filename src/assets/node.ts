import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Site } from '../handlers/site.js';
import type { Assets } from '../model/assets.js';
import { startNative } from '../model/backends/native.js';
import { MienError } from '../model/errors.js';
import { hasRelaxedSimd } from '../model/plan/kernels/relaxed-simd.js';
import { nativeRuntime } from './native.js';

const require = createRequire(import.meta.url);

/** Paths of the WebAssembly files: in the packages that own them, and where the build puts the plan's kernels. */
export const WASM_FILES = {
  tfjs: require.resolve('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm'),
  kernels: join(packageRoot(), 'dist', 'assets', 'kernels.wasm'),
  relaxedKernels: join(packageRoot(), 'dist', 'assets', 'kernels-relaxed.wasm'),
  jpeg: require.resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'),
  png: require.resolve('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'),
  webp: require.resolve('@jsquash/webp/codec/dec/webp_dec.wasm'),
} as const;

/**
 * The folder that holds mien's package.json. This file runs as src/assets/node.ts and, compiled, as
 * dist/src/assets/node.js, at different depths, so it walks up.
 */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && require(manifest).name === 'mien') return folder;
    const parent = dirname(folder);
    if (parent === folder) throw new MienError('internal', "mien's package.json is not above its code.");
    folder = parent;
  }
}

/**
 * Reads and compiles the model's binary files: WebAssembly from the packages that own it, the face detector and the plan's
 * kernels from `dist/assets`, where the build puts them.
 *
 * @throws MienError `internal` where a file is missing
 */
export async function loadAssets(): Promise<Assets> {
  const compile = async (path: string) => WebAssembly.compile(await readFile(path));
  const [tfjs, kernels, jpeg, png, webp, detector] = await Promise.all([
    compile(WASM_FILES.tfjs),
    compile(hasRelaxedSimd() ? WASM_FILES.relaxedKernels : WASM_FILES.kernels).catch(missingBuild),
    compile(WASM_FILES.jpeg),
    compile(WASM_FILES.png),
    compile(WASM_FILES.webp),
    loadDetector(join(packageRoot(), 'dist', 'assets')),
  ]);
  const runtime = nativeRuntime(join(packageRoot(), 'native'));
  return {
    wasm: { tfjs, kernels, jpeg, png, webp },
    detector,
    native: (name) => startNative(name, runtime),
  };
}

async function loadDetector(folder: string): Promise<Assets['detector']> {
  try {
    const [topology, weights] = await Promise.all([
      readFile(join(folder, 'blazeface.json'), 'utf8'),
      readFile(join(folder, 'blazeface.bin')),
    ]);
    return { topology: JSON.parse(topology), weights: new Uint8Array(weights).buffer };
  } catch (cause) {
    return missingBuild(cause);
  }
}

function missingBuild(cause: unknown): never {
  throw new MienError('internal', 'dist/assets lacks what the build puts there: run `npm run build`.', {
    cause,
  });
}

/** Reads the pages that the build puts in `dist/assets`; undefined where it has not run. */
export async function loadSite(): Promise<Site | undefined> {
  const read = (name: string) => readFile(join(packageRoot(), 'dist', 'assets', name), 'utf8');
  try {
    const [page, docs, openApi] = await Promise.all(['page.html', 'docs.html', 'openapi.json'].map(read));
    return { page, docs, openApi: JSON.parse(openApi as string) } as Site;
  } catch {
    return undefined;
  }
}

/** The folder of what is served as it is: the browser bundle. */
export const publicFolder = (): string => join(packageRoot(), 'dist', 'public');
