/** A model with random weights: it answers nonsense, but in the right shape, for tests that are not about accuracy. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatArchitecture } from '../../src/model/architecture.js';
import type { ModelFiles } from '../../src/model/model.js';
import { parameterShapes } from '../../src/model/parameters.js';
import { table1 } from '../../src/model/table1.js';
import { encodeSafetensors, type Weights } from '../../src/model/weights.js';
import { randomNumbers } from './random.js';

const architecture = table1({ side: 48 });

function randomWeights(seed: number): Weights {
  const random = randomNumbers(seed);
  const weights: Weights = new Map();
  for (const [name, shape] of parameterShapes(architecture)) {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    // He's initialisation, and batch norms that leave things as they are: signals neither die nor explode.
    // The last layer is small, lest one label take it all and every answer look alike.
    const gain = name.startsWith('head.') || name.startsWith('m23.') ? 0.1 : 1;
    const scale = gain * Math.sqrt(6 / shape.slice(1).reduce((product, size) => product * size, 1));
    if (name.endsWith('running_var') || /norm\d?\.weight$/.test(name)) data.fill(1);
    else if (shape.length > 1)
      data.forEach((_, index) => {
        data[index] = random() * scale;
      });
    weights.set(name, { shape, data });
  }
  return weights;
}

export function untrainedModel(seed = 1): ModelFiles {
  return {
    name: 'untrained',
    version: '0.0.0',
    architecture: JSON.parse(formatArchitecture(architecture)),
    weights: encodeSafetensors(randomWeights(seed)),
  };
}

/** The same as a published model's folder, for what reads one. Its name is the folder's, `untrained-…`. */
export function untrainedFolder(): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'untrained-'));
  const { version, weights } = untrainedModel();
  writeFileSync(join(folder, 'architecture.json'), formatArchitecture(architecture));
  writeFileSync(join(folder, 'weights.safetensors'), weights);
  writeFileSync(join(folder, 'metrics.json'), JSON.stringify({ version }));
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}
