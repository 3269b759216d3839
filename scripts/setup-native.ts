/**
 * Installs native TensorFlow into native/, where `npm ci` leaves it alone: npm run setup:native [-- --gpu]
 *
 * tfjs-node, or with --gpu tfjs-node-gpu, is installed by its own installer where that can download libtensorflow, and
 * else built against the library in pip's tensorflow-cpu (Linux on x64; needs Python with pip, a C++ compiler, make).
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../src/assets/node.js';
import { main } from './lib/main.js';
import { setUpNative } from './lib/native.js';

main(async () => {
  const { values } = parseArgs({ options: { gpu: { type: 'boolean', default: false } } });
  await setUpNative(values.gpu ? 'tfjs-node-gpu' : 'tfjs-node', join(packageRoot(), 'native'));
});
