import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { BROWSER_FILES } from '../../src/assets/browser.js';
import { packageRoot, WASM_FILES } from '../../src/assets/node.js';
import { loadModel } from '../../src/assets/node-model.js';

export interface BrowserBundleOptions {
  /** Folder to write to; what it holds is replaced. */
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
 * Made in a folder of its own, which then takes the place of `out`.
 *
 * @returns what the folder holds
 * @throws MienError where the model is missing or broken; esbuild's BuildFailure
 */
export async function bundleBrowser(options: BrowserBundleOptions) {
  const root = packageRoot();
  const out = resolve(options.out);
  const { name, version, architecture, weights } = await loadModel(
    options.model ?? join(root, 'models', 'mien-v1'),
  );
  const beside = `${out}.${process.pid}.tmp`;
  mkdirSync(beside, { recursive: true });
  await build({
    entryPoints: { mien: join(root, 'src', 'browser.ts'), worker: join(root, 'web', 'worker.ts') },
    outdir: beside,
    plugins: [libraryBeside],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    // Emscripten's glue asks for these only under Node.
    external: ['fs', 'path', 'crypto', 'perf_hooks', 'os', 'worker_threads', 'node:*'],
    logLevel: 'silent',
  });
  const detector = join(root, 'dist', 'assets');
  const files: [string, Uint8Array | string][] = [
    ...(['tfjs', 'jpeg', 'png', 'webp'] as const).map((file): [string, Uint8Array] => [
      BROWSER_FILES[file],
      readFileSync(WASM_FILES[file]),
    ]),
    [BROWSER_FILES.topology, readFileSync(join(detector, 'blazeface.json'))],
    [BROWSER_FILES.detector, readFileSync(join(detector, 'blazeface.bin'))],
    ['NOTICE', readFileSync(join(detector, 'NOTICE'))],
    [BROWSER_FILES.model, JSON.stringify({ name, version, architecture })],
    [BROWSER_FILES.weights, weights],
    ['example.html', readFileSync(join(root, 'web', 'example.html'))],
  ];
  for (const [file, content] of files) writeFileSync(join(beside, file), content);
  mkdirSync(dirname(out), { recursive: true });
  rmSync(out, { recursive: true, force: true });
  renameSync(beside, out);
  return readdirSync(out).map((file) => {
    const content = readFileSync(join(out, file));
    return { name: file, bytes: content.length, gzipBytes: gzipSync(content, { level: 9 }).length };
  });
}
