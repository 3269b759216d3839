/**
 * Writes a model as ONNX: npm run export-onnx -- [--model models/mien-v1] [--out mien.onnx]
 *
 * `crops` uint8 [n, 48, 48, 1], as src/model/crop.ts makes them, to `scores` float32 [n, 7].
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../src/assets/node.js';
import { loadModel } from '../src/assets/node-model.js';
import { writeAtomically } from './lib/files.js';
import { main } from './lib/main.js';
import { exportOnnx } from './onnx/export.js';

main(async () => {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: join(packageRoot(), 'models', 'mien-v1') },
      out: { type: 'string', default: 'mien.onnx' },
    },
  });
  const bytes = exportOnnx(await loadModel(values.model));
  writeAtomically(values.out, bytes);
  console.log(`${values.out}: ${bytes.length} bytes`);
});
