import type { Architecture } from '../../src/model/architecture.js';
import { parameterShapes } from '../../src/model/parameters.js';
import { decodeSafetensors, encodeSafetensors, type Weight, type Weights } from '../../src/model/weights.js';
import { initialWeights } from './engines/tfjs/initialise.js';

/**
 * A grouped kernel for another number of groups. With fewer it computes the same: what did not meet before is multiplied
 * by zero. With more, what no longer meets is lost.
 * @param kernel float32 [c, c / groups, h, w]
 * @param width input channels a group, of the kernel that is wanted
 */
function regroup({ shape, data }: Weight, width: number): Weight {
  const [channels, before, ...area] = shape as [number, number, number, number];
  const cells = area[0] * area[1];
  const regrouped = new Float32Array(channels * width * cells);
  for (let output = 0; output < channels; output++) {
    // A group's first input channel has the number of its first output channel.
    const [from, to] = [before, width].map((each) => Math.floor(output / each) * each) as [number, number];
    for (let input = Math.max(from, to); input < Math.min(from + before, to + width); input++) {
      const at = (output * before + input - from) * cells;
      regrouped.set(data.subarray(at, at + cells), (output * width + input - to) * cells);
    }
  }
  return { shape: [channels, width, ...area], data: regrouped };
}

/** Regroups what is grouped otherwise than the network asks for. Says whether anything was. */
function regroupAll(architecture: Architecture, weights: Weights): boolean {
  const grouped = architecture.rows.filter(({ block }) => block === 'arb' || block === 'non-bottleneck-1d');
  const shapes = parameterShapes(architecture);
  let changed = false;
  for (const { name } of grouped)
    for (const conv of [1, 2, 3, 4]) {
      const key = `${name}.conv${conv}.weight`;
      const kernel = weights.get(key);
      const wanted = shapes.get(key) as readonly number[];
      if (!kernel || kernel.shape[0] !== wanted[0] || kernel.shape[1] === wanted[1]) continue;
      weights.set(key, regroup(kernel, wanted[1] as number));
      changed = true;
    }
  return changed;
}

/** Adds the mixes that the network has and the weights lack, as the identity: by norms of weight zero. Says whether any was. */
function addMixes(architecture: Architecture, weights: Weights): boolean {
  const lacking = architecture.rows.filter(
    ({ name, block }) => block === 'mix' && !weights.has(`${name}.conv.weight`),
  );
  if (lacking.length === 0) return false;
  for (const [key, weight] of initialWeights(architecture, 1)) {
    if (!lacking.some(({ name }) => key.startsWith(`${name}.`))) continue;
    if (key.endsWith('.norm.weight')) weight.data.fill(0);
    weights.set(key, weight);
  }
  return true;
}

/**
 * Weights that a run begins from, as its network can hold them: those of a network of other groups are regrouped, and
 * mixes that it lacks begin as the identity. Whatever else does not fit is left for the engine to refuse.
 * @param bytes a weights file
 * @throws {MienError} `invalid_weights` if it is none
 */
export function initialFor(architecture: Architecture, bytes: Uint8Array): Uint8Array {
  const weights = decodeSafetensors(bytes);
  const changed = [regroupAll(architecture, weights), addMixes(architecture, weights)].includes(true);
  return changed ? encodeSafetensors(weights) : bytes;
}
