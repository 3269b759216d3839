/**
 * Once before the tests: translates the server, and its threads as `npm run build` does, in a tenth of its time. Translated by
 * tsx, at every start, it takes 5 s of processor time to be ready, not 2.
 */
import { join } from 'node:path';
import { build } from 'esbuild';
import { NODE_BUNDLE } from '../../scripts/lib/node-bundle.js';
import { packageRoot } from '../../src/assets/node.js';

const handlers = join(packageRoot(), 'src', 'handlers');
const outdir = join(packageRoot(), 'dist', 'test');
/** The server's entry; its threads' stands beside it. */
export const SERVER = join(outdir, 'node.js');

export async function setup(): Promise<void> {
  // The banner is for what packages bring along: these stay outside.
  const { banner, ...bundle } = NODE_BUNDLE;
  await Promise.all([
    build({ ...bundle, entryPoints: [join(handlers, 'node.ts')], packages: 'external', outdir }),
    build({ ...NODE_BUNDLE, entryPoints: [join(handlers, 'threads', 'thread.ts')], outdir }),
  ]);
}
