import { join } from 'node:path';
import { packageRoot } from '../src/assets/node.js';
import { main, npmCommand } from './lib/command.js';
import { setUpNative } from './lib/native.js';

main(
  npmCommand('setup:native')
    .description(
      "Installs native TensorFlow into native/, where npm ci leaves it alone: by its own installer where that can download libtensorflow, and else built against the library in pip's tensorflow-cpu (Linux on x64; needs Python with pip, a C++ compiler, make).",
    )
    .option('--gpu', 'tfjs-node-gpu in place of tfjs-node')
    .action(({ gpu }) => setUpNative(gpu ? 'tfjs-node-gpu' : 'tfjs-node', join(packageRoot(), 'native'))),
);
