import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadAssets, packageRoot } from '../../src/assets/node.js';
import { loadModel } from '../../src/assets/node-model.js';
import { createRecognizer } from '../../src/model/recognizer.js';
import { astronautBytes } from '../support/pictures.js';

const folder = join(packageRoot(), 'models', 'mien-v1');
const published = existsSync(join(folder, 'weights.safetensors'));

test.skipIf(!published)(
  `the smiling astronaut looks happy${published ? '' : ' (models/mien-v1 is not published yet)'}`,
  async () => {
    const [assets, model] = await Promise.all([loadAssets(), loadModel(folder)]);
    const recognizer = await createRecognizer({ assets, model, backend: 'wasm' });
    const { faces } = await recognizer.recognize(astronautBytes());
    recognizer.dispose();
    expect(model.name).toBe('mien-v1');
    expect(faces.map(({ expressions }) => expressions[0]?.label)).toEqual(['happy']);
  },
);
