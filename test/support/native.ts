/** Native TensorFlow, where it is installed. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { findPackage } from '../../src/assets/native.js';
import { packageRoot } from '../../src/assets/node.js';

/** Says once a file what is not tested. */
export function hasNative(): boolean {
  const found = findPackage('@tensorflow/tfjs-node', join(packageRoot(), 'native')) !== undefined;
  if (!found) console.log('skipped: native TensorFlow is not installed (npm run setup:native)');
  // It brings a copy of tfjs's cpu backend, and tfjs warns of each kernel that a test has registered before.
  tf.env().set('IS_TEST', true);
  return found;
}
