import { dirname, join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { CROP_SIZE } from '../../../src/model/architecture.js';
import type { Label } from '../../../src/model/labels.js';
import { findPeer, loadPeer } from '../peers.js';
import { eachCrop, inColour, startWasm } from './peer-tfjs.js';
import type { Subject } from './subject.js';

const NAME = '@vladmandic/face-api';

/** Its words for what LABELS calls so. */
const WORDS: Record<Label, string> = {
  angry: 'angry',
  disgust: 'disgusted',
  fear: 'fearful',
  happy: 'happy',
  sad: 'sad',
  surprise: 'surprised',
  neutral: 'neutral',
};

interface FaceApi {
  tf: typeof tf;
  nets: {
    faceExpressionNet: {
      loadFromDisk(folder: string): Promise<void>;
      predictExpressions(picture: tf.Tensor3D): Promise<Record<string, number>>;
    };
  };
}

/** Its expression network on its own tfjs, wasm, one thread, as its example for Node uses it: colour pictures, 0 to 255. */
export async function faceApi(): Promise<Subject> {
  const entry = `${NAME}/dist/face-api.node-wasm.js`;
  const { nets, tf } = loadPeer<FaceApi>(entry);
  await startWasm(tf);
  const net = nets.faceExpressionNet;
  await net.loadFromDisk(join(dirname(findPeer(entry) as string), '..', 'model'));
  return {
    classify: (crops) =>
      eachCrop(crops, async (crop) => {
        const picture = tf.tensor3d(inColour(crop), [CROP_SIZE, CROP_SIZE, 3], 'int32');
        const expressions = await net.predictExpressions(picture);
        picture.dispose();
        return (label) => expressions[WORDS[label]] as number;
      }),
  };
}
