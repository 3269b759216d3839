import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { BROWSER_FILES } from '../../src/assets/browser.js';
import { packageRoot, WASM_FILES } from '../../src/assets/node.js';
import { loadModel } from '../../src/assets/node-model.js';
import { writeAtomically } from './files.js';
import { refuseForeign } from './own-folder.js';

/** tfjs makes its platform for Node on import, where a page is rendered on a server: what that takes of `util` is global there. */
const utilOfNode: Plugin = {
  name: 'util-of-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^util$/ }, () => ({ path: 'util', namespace: 'util-of-node' }));
    onLoad({ filter: /.*/, namespace: 'util-of-node' }, () => ({
      contents: 'export const { TextEncoder, TextDecoder } = globalThis; export const types = {};',
    }));
  },
};

/**
 * The codecs' glue names its module for where none is handed to it, as here one always is: bundlers of apps would look for that
 * file, and webpack ends without it.
 */
const glueWithoutAddresses: Plugin = {
  name: 'glue-without-addresses',
  setup({ onLoad }) {
    onLoad({ filter: /@jsquash\/.*_dec\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        /new URL\(("\w+\.wasm"),\s*import\.meta\.url\)\.href/g,
        '$1',
      ),
    }));
  },
};

export interface BrowserBundleOptions {
  /** Folder to write to: a new one, or one of an earlier bundle, which is replaced. */
  out: string;
  /** The model's folder. Default models/mien-v1. */
  model?: string;
}

/** Leaves the library out of the worker, which imports it from beside itself. */
const libraryBeside: Plugin = {
  name: 'library-beside',
  setup({ onResolve }) {
    onResolve({ filter: /\/src\/browser\.js$/ }, () => ({ path: './mien.js', external: true }));
  },
};

/**
 * Bundles src/browser.ts to `mien.js`, web/worker.ts to `worker.js`, with the files that they fetch, an
 * example page and the licences beside them.
 *
 * @returns what the folder holds
 * @throws MienError where the model is missing or broken, or the folder holds something else; esbuild's BuildFailure
 */
export async function bundleBrowser(options: BrowserBundleOptions) {
  const root = packageRoot();
  const out = resolve(options.out);
  refuseForeign(out, BROWSER_FILES.tfjs);
  const { name, version, architecture, weights } = await loadModel(
    options.model ?? join(root, 'models', 'mien-v1'),
  );
  const { outputFiles } = await build({
    entryPoints: { mien: join(root, 'src', 'browser.ts'), worker: join(root, 'web', 'worker.ts') },
    outdir: out,
    write: false,
    plugins: [libraryBeside, utilOfNode, glueWithoutAddresses],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    // Emscripten's glue asks whether there is one. webpack says yes and gives none, which ended its workers and what it loads later.
    define: { __filename: 'undefined' },
    // Emscripten's glue asks for these only under Node.
    external: ['fs', 'path', 'crypto', 'perf_hooks', 'os', 'worker_threads', 'node:*'],
    logLevel: 'silent',
  });
  const detector = join(root, 'dist', 'assets');
  // The mark first: where writing is cut off, the folder is known for a bundle's.
  const files: [string, Uint8Array | string][] = [
    ...(['tfjs', 'kernels', 'relaxedKernels', 'jpeg', 'png', 'webp'] as const).map(
      (file): [string, Uint8Array] => [BROWSER_FILES[file], readFileSync(WASM_FILES[file])],
    ),
    ...outputFiles.map(({ path, contents }): [string, Uint8Array] => [basename(path), contents]),
    [BROWSER_FILES.topology, readFileSync(join(detector, 'blazeface.json'))],
    [BROWSER_FILES.detector, readFileSync(join(detector, 'blazeface.bin'))],
    ['NOTICE', readFileSync(join(detector, 'NOTICE'))],
    [BROWSER_FILES.model, JSON.stringify({ name, version, architecture })],
    [BROWSER_FILES.weights, weights],
    ['example.html', readFileSync(join(root, 'web', 'example.html'))],
  ];
  mkdirSync(out, { recursive: true });
  const wanted = new Set(files.map(([name]) => name));
  for (const name of readdirSync(out)) if (!wanted.has(name)) rmSync(join(out, name), { recursive: true });
  return files.map(([name, content]) => {
    const bytes = Buffer.from(content);
    const file = join(out, name);
    // Left alone where it is the same: it may just be being served.
    if (!existsSync(file) || !readFileSync(file).equals(bytes)) writeAtomically(file, bytes);
    return { name, bytes: bytes.length, gzipBytes: gzipSync(bytes, { level: 9 }).length };
  });
}
