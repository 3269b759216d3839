import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { packageRoot } from '../../src/assets/node.js';
import { loadModel } from '../../src/assets/node-model.js';
import { modelModule } from './model-module.js';
import { NODE_BUNDLE } from './node-bundle.js';
import { refuseForeign, replaceFolder } from './own-folder.js';
import type { ZipEntry } from './zip.js';

export interface LambdaBundleOptions {
  /** Folder to write to: a new one, or one of an earlier bundle, which is replaced. */
  out: string;
  /** The model's folder. Default models/mien-v1. */
  model?: string;
}

/** Of all folders only a bundle's has it beside the script. */
const MARK = 'mozjpeg_dec.wasm';

/** What a module that stands for a file does when it is imported, by the first that the file's name ends with. */
const READERS: [ending: string, reader: string][] = [
  ['-relaxed.wasm', 'WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined'],
  ['.wasm', 'new WebAssembly.Module(bytes)'],
  ['.bin', 'new Uint8Array(bytes).buffer'],
  ['.safetensors', 'new Uint8Array(bytes).buffer'],
];

/** Puts imported files beside the bundle, and makes of each a module that reads it: what wrangler does for Workers. */
const filesAsModules: Plugin = {
  name: 'files-as-modules',
  setup({ onLoad }) {
    onLoad({ filter: /\.(wasm|bin|safetensors)$/ }, ({ path, with: { type } }) => {
      // The module below imports the file once more, marked so, for its place beside the bundle.
      if (type === 'file') return { contents: readFileSync(path), loader: 'file' };
      const reader = READERS.find(([ending]) => path.endsWith(ending))?.[1];
      const contents = `
        import { readFileSync } from 'node:fs';
        import name from ${JSON.stringify(path)} with { type: 'file' };
        const bytes = readFileSync(new URL(name, import.meta.url));
        export default ${reader};`;
      return { contents, loader: 'js' };
    });
  },
};

/**
 * Bundles the Lambda entry to a folder that needs no node_modules: index.mjs and the files it reads.
 *
 * @returns what the folder holds
 * @throws MienError where the model is missing or broken, or the folder holds something else; esbuild's BuildFailure
 */
export async function bundleLambda({ out, model }: LambdaBundleOptions): Promise<ZipEntry[]> {
  const root = packageRoot();
  const folder = resolve(out);
  refuseForeign(folder, MARK);
  await loadModel(model ?? join(root, 'models', 'mien-v1'));
  await replaceFolder(folder, async (beside) => {
    const files = model ? modelModule(beside, model) : join(root, 'src', 'assets', 'bundled-model.js');
    await build({
      ...NODE_BUNDLE,
      entryPoints: [join(root, 'src', 'handlers', 'lambda.ts')],
      outfile: join(beside, 'index.mjs'),
      assetNames: '[name]',
      alias: { '@mien/model': files },
      loader: { '.html': 'text' },
      plugins: [filesAsModules],
    });
    if (model) rmSync(files);
  });
  return readdirSync(folder).map((name) => ({ name, content: readFileSync(join(folder, name)) }));
}
