import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { CROP_SIZE } from '../../../src/model/architecture.js';
import { LABELS } from '../../../src/model/labels.js';
import { findPeer, loadPeer } from '../peers.js';
import { eachCrop, inColour, startWasm } from './peer-tfjs.js';
import type { Subject } from './subject.js';

/** What its emotion module weighs red, green and blue with. */
const GREY = [0.2989, 0.587, 0.114];

interface Graph {
  inputs: { shape: number[] }[];
  execute(input: tf.Tensor): tf.Tensor;
}
interface Human {
  tf: typeof tf & { loadGraphModel(handler: tf.io.IOHandler): Promise<Graph> };
}

/**
 * Its emotion network on its own tfjs, wasm, one thread. A crop is resized, made grey and scaled by the operations of its
 * emotion module (src/gear/emotion.ts), which cannot be called alone: `detect` would look for a face in the crop first.
 */
export async function human(): Promise<Subject> {
  const folder = join(dirname(findPeer('@vladmandic/human') as string), '..');
  const { Human } = loadPeer<{ Human: new (config: object) => Human }>(
    join(folder, 'dist', 'human.node-wasm.js'),
  );
  const { tf } = new Human({ backend: 'wasm' });
  await startWasm(tf);
  const graph = await tf.loadGraphModel({ load: async () => artifacts(join(folder, 'models')) });
  const size = graph.inputs[0]?.shape[2] as number;
  const grey = tf.tensor1d(GREY);
  return {
    classify: (crops) =>
      eachCrop(crops, async (crop) => {
        const result = tf.tidy(() => {
          const picture = tf.div(tf.tensor4d(inColour(crop), [1, CROP_SIZE, CROP_SIZE, 3]), 255);
          const resized = tf.image.resizeBilinear(picture as tf.Tensor4D, [size, size], false);
          const scaled = tf.mul(tf.sub(tf.sum(tf.mul(resized, grey), 3, true), 0.5), 2);
          return graph.execute(scaled);
        });
        const scores = await result.data();
        result.dispose();
        // Its labels stand in the order of ours.
        return (label) => scores[LABELS.indexOf(label)] as number;
      }),
  };
}

/** emotion.json and emotion.bin, as tfjs wants to be given them. */
function artifacts(folder: string): tf.io.ModelArtifacts {
  const { modelTopology, weightsManifest, ...rest } = JSON.parse(
    readFileSync(join(folder, 'emotion.json'), 'utf8'),
  );
  const weights = readFileSync(join(folder, 'emotion.bin'));
  return {
    ...rest,
    modelTopology,
    weightSpecs: weightsManifest[0].weights,
    weightData: new Uint8Array(weights).buffer,
  };
}
