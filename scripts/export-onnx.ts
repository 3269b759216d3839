import { join } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { packageRoot } from '../src/assets/node.js';
import { loadModel } from '../src/assets/node-model.js';
import { main, npmCommand } from './lib/command.js';
import { writeAtomically } from './lib/files.js';
import { exportOnnx } from './onnx/export.js';

main(
  npmCommand('export-onnx')
    .description(
      'Writes a model as ONNX: crops, uint8 [n, 48, 48, 1] as src/model/crop.ts makes them, to scores, float32 [n, 7].',
    )
    .addOption(
      new Option('--model <folder>', 'the model').default(
        join(packageRoot(), 'models', 'mien-v1'),
        'models/mien-v1',
      ),
    )
    .option('--out <file>', 'where to', 'mien.onnx')
    .action(async ({ model, out }) => {
      const bytes = exportOnnx(await loadModel(model));
      writeAtomically(out, bytes);
      console.log(`${out}: ${bytes.length} bytes`);
    }),
);
