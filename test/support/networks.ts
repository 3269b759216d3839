import type { Architecture } from '../../src/model/architecture.js';
import { parameterShapes } from '../../src/model/parameters.js';
import type { Weights } from '../../src/model/weights.js';
import { randomNumbers } from './random.js';

/** Random weights whose batch norms are not identities, so that a mistake in folding them shows. */
export function livelyWeights(arch: Architecture, seed = 1): Weights {
  const random = randomNumbers(seed);
  return new Map(
    [...parameterShapes(arch)].map(([name, shape]) => {
      const fan = shape.slice(1).reduce((product, size) => product * size, 1);
      const scale = shape.length > 1 ? Math.sqrt(3 / fan) : 0.5;
      const centre = name.endsWith('running_var') || /norm\d?\.weight$/.test(name) ? 1 : 0;
      const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
      return [name, { shape, data: data.map(() => centre + scale * random()) }];
    }),
  );
}
