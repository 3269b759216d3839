import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Architecture, formatArchitecture } from '../../src/model/architecture.js';
import { table1 } from '../../src/model/table1.js';
import { encodeSafetensors } from '../../src/model/weights.js';
import { initialWeights } from '../train/engines/tfjs/initialise.js';

/** Dilations of Table 1, which belong to a grid of 48 cells, and rates for the same. */
const DILATIONS = [2, 4, 8, 16];
const FULL_SIDE = 384;

/** Table 1 at a side, its dilations the same shares of the grid as the paper's, at least 1. */
export function fittedTable1(side: number, groups: number): Architecture {
  const dilations = DILATIONS.map((d) => Math.max(1, Math.round((d * side) / FULL_SIDE)));
  return table1({
    side,
    groups,
    dilations: dilations as unknown as [number, number, number, number],
    rates: side < 192 ? [1, 2, 3] : [2, 4, 8],
  });
}

/** Writes a network with random weights as a model's folder: how fast it is does not depend on what it has learned. */
export function writeRandomModel(folder: string, architecture: Architecture): void {
  const weights = initialWeights(architecture, 1);
  // They begin as identities for training's sake; here they shall compute.
  for (const [name, { data }] of weights) if (name.endsWith('.norm2.weight')) data.fill(0.5);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'architecture.json'), formatArchitecture(architecture));
  writeFileSync(join(folder, 'weights.safetensors'), encodeSafetensors(weights));
  writeFileSync(join(folder, 'metrics.json'), JSON.stringify({ version: '0.0.0' }));
}
