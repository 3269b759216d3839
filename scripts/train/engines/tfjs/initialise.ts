import type { Architecture } from '../../../../src/model/architecture.js';
import { parameterShapes } from '../../../../src/model/parameters.js';
import type { Weights } from '../../../../src/model/weights.js';
import { Random } from './random.js';

/**
 * Random weights as torch/network.py's: He's for convolutions (fan out), PyTorch's own for the attention's two layers,
 * and zero for the last norm of a residual block, so that the block starts as identity.
 */
export function initialWeights(architecture: Architecture, seed: number): Weights {
  const random = new Random(seed);
  const residual = new Set(
    architecture.rows
      .filter(({ block }) => ['arb', 'non-bottleneck-1d', 'residual'].includes(block))
      .map(({ name }) => `${name}.norm2.weight`),
  );
  const weights: Weights = new Map();
  for (const [name, shape] of parameterShapes(architecture)) {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    const fill = (value: () => number) => {
      data.forEach((_, at) => {
        data[at] = value();
      });
    };
    if (shape.length === 4) {
      const [channels, , rows, columns] = shape as [number, number, number, number];
      const deviation = Math.sqrt(2 / (channels * rows * columns));
      fill(() => random.normal() * deviation);
    } else if (name === 'head.weight') fill(() => random.normal() * 0.01);
    else if (shape.length === 2) fill(linear(shape[1] as number, random));
    else if (name.endsWith('.running_var') || (name.endsWith('.weight') && !residual.has(name))) data.fill(1);
    weights.set(name, { shape, data });
  }
  return weights;
}

/** PyTorch's default for a linear layer: uniform up to 1 / √inputs either way. */
export const linear = (inputs: number, random: Random) => () => random.uniform(-1, 1) / Math.sqrt(inputs);
