/**
 * Copies the face detector's two files out of `@vladmandic/human` (43 MB, a development dependency) to
 * `dist/assets`, so that what is deployed carries 0.6 MB of it, and makes the plan's kernels, the pages and the API's
 * document there. Run by `npm run build` and
 * before the tests.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/assets/node.js';
import { openApi } from '../../src/handlers/openapi.js';
import { docsPage } from '../lib/docs-page.js';
import { compileKernels } from '../lib/kernels.js';
import { bundlePage } from '../lib/page-bundle.js';

const NOTICE = `blazeface.json, blazeface.bin: MediaPipe BlazeFace, back-camera variation, 256 x 256.
The network and its weights are by Google (MediaPipe), under the Apache License 2.0:
https://www.apache.org/licenses/LICENSE-2.0
Converted to a TensorFlow.js graph model by Vladimir Mandic and taken unchanged from the package
@vladmandic/human, Copyright (c) Vladimir Mandic, under the MIT License:
https://github.com/vladmandic/human/blob/main/LICENSE
`;

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Writes beside, then renames, so that nobody reads half a file; leaves a file alone that is the same. */
async function place(path: string, bytes: Uint8Array): Promise<boolean> {
  const present = await readFile(path).catch(() => undefined);
  if (present && hash(present) === hash(bytes)) return false;
  const beside = `${path}.${process.pid}.tmp`;
  await writeFile(beside, bytes);
  await rename(beside, path);
  return true;
}

// Its package.json exports neither itself nor the models, but its entry stands in dist/, beside models/.
const entry = createRequire(import.meta.url).resolve('@vladmandic/human');
const models = join(dirname(entry), '..', 'models');
const target = join(packageRoot(), 'dist', 'assets');
await mkdir(target, { recursive: true });

const [kernels, relaxedKernels] = await Promise.all([compileKernels(false), compileKernels(true)]);
const files: [string, Uint8Array][] = [
  ['blazeface.json', await readFile(join(models, 'blazeface.json'))],
  ['blazeface.bin', await readFile(join(models, 'blazeface.bin'))],
  ['kernels.wasm', kernels],
  ['kernels-relaxed.wasm', relaxedKernels],
  ['NOTICE', new TextEncoder().encode(NOTICE)],
  ['page.html', new TextEncoder().encode(await bundlePage())],
  ['docs.html', new TextEncoder().encode(await docsPage(openApi() as never))],
  ['openapi.json', new TextEncoder().encode(JSON.stringify(openApi()))],
];
for (const [name, bytes] of files) {
  if (await place(join(target, name), bytes)) console.log(`dist/assets/${name}: ${bytes.length} bytes`);
}
