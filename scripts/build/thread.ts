/** Puts the server's threads into one file, in place of what the compiler wrote: each of them loads it anew. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { packageRoot } from '../../src/assets/node.js';
import { NODE_BUNDLE } from '../lib/node-bundle.js';

const name = join('src', 'handlers', 'threads', 'thread');
const root = packageRoot();
await build({
  ...NODE_BUNDLE,
  entryPoints: [join(root, `${name}.ts`)],
  outfile: join(root, 'dist', `${name}.js`),
});
