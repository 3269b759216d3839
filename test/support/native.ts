/** Native TensorFlow, where it is installed. */
import { join } from 'node:path';
import { findPackage } from '../../src/assets/native.js';
import { packageRoot } from '../../src/assets/node.js';

/** Says once a file what is not tested. */
export function hasNative(): boolean {
  const found = findPackage('@tensorflow/tfjs-node', join(packageRoot(), 'native')) !== undefined;
  if (!found) console.log('skipped: native TensorFlow is not installed (npm run setup:native)');
  return found;
}
