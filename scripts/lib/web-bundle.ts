import { join } from 'node:path';
import { build } from 'esbuild';
import { packageRoot } from '../../src/assets/node.js';

/** A script or a style sheet of web/, with all that it imports, as text. */
export async function bundleWeb(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(packageRoot(), 'web', name)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    minify: true,
    logLevel: 'silent',
  });
  return (outputFiles[0]?.text as string).trim();
}
