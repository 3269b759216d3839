import { mergeGroups } from '../fold.js';
import type { DilatedConv } from '../planner.js';
import { fittingGroups, type Kernel, LANES } from './memory.js';

/** Lines of the grid that assembly/residual.ts computes at once. */
const LINES = 4;
/** Matrices that it wants of each filter. */
const MATRICES = 12;
/** float32 values at the scratch's beginning. */
const HEAD = 256;

/** The matrices' factors for the three taps, one after another: F(4, 3), F(2, 3) and the two taps of a lone output. */
const TRANSFORMS = Float64Array.from(
  [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
    [1, 0, 0],
    [1 / 2, 1 / 2, 1 / 2],
    [1 / 2, -1 / 2, 1 / 2],
    [0, 0, 1],
    [1, 0, 0],
    [0, 1, 0],
  ].flat(),
);

/** Whether the kernel computes the block: it is factorised, and the grid and the channels fill tiles. */
export function fitsResidual(convs: DilatedConv[], grid: number): boolean {
  const factorised = convs.every(({ conv: { shape } }) => shape[0] * shape[1] === 3);
  const [{ conv, groups }] = convs as [DilatedConv];
  return (
    factorised && convs.length === 4 && grid >= LINES && fittingGroups(groups, conv.shape[3]) !== undefined
  );
}

/** float32 values of scratch for groups of so many channels on a square grid. */
export const residualScratch = (grid: number, channels: number): number =>
  HEAD + channels * (6 * grid + 2 * grid * grid);

/** A block's filters as assembly/residual.ts wants them. */
export interface PackedResidual {
  filters: Float32Array;
  groups: number;
  /** Channels of a group. */
  channels: number;
}

/**
 * Packs a block: for each group, for each convolution its bias, then, for each LANES output channels, MATRICES matrices
 * [channels, LANES].
 */
export function packResidual(convs: DilatedConv[]): PackedResidual {
  const [{ conv, groups: given }] = convs as [DilatedConv];
  const all = conv.shape[3];
  const groups = fittingGroups(given, all) as number;
  const channels = all / groups;
  const length = channels + MATRICES * channels * channels;
  const filters = new Float32Array(groups * convs.length * length);
  convs.forEach(({ conv: narrow }, c) => {
    const { kernel, bias } = mergeGroups(narrow, given, groups);
    for (let group = 0; group < groups; group++) {
      const at = (group * convs.length + c) * length;
      const from = group * channels;
      filters.set(bias.subarray(from, from + channels), at);
      transform(kernel, all, from, channels, filters.subarray(at + channels, at + length));
    }
  });
  return { filters, groups, channels };
}

/**
 * The matrices of output channels `from` on of a kernel [3, channels, all]. Plain loops over typed arrays: this is millions
 * of values, computed while a Worker starts.
 */
function transform(
  kernel: Float32Array,
  all: number,
  from: number,
  channels: number,
  matrices: Float32Array,
): void {
  const tap = channels * all;
  for (let o = 0; o < channels; o++) {
    const block = (o - (o % LANES)) * MATRICES * channels + (o % LANES);
    for (let i = 0; i < channels; i++) {
      const at = i * all + from + o;
      const first = kernel[at] as number;
      const second = kernel[at + tap] as number;
      const third = kernel[at + 2 * tap] as number;
      for (let m = 0; m < MATRICES; m++) {
        matrices[block + (m * channels + i) * LANES] =
          (TRANSFORMS[3 * m] as number) * first +
          (TRANSFORMS[3 * m + 1] as number) * second +
          (TRANSFORMS[3 * m + 2] as number) * third;
      }
    }
  }
}

/** A residual block, as one kernel. */
export const residual: Kernel<'filters' | 'scratch', { groups: number; channels: number; dilation: number }> =
  {
    name: 'MienResidual',
    shapeOf: (x) => x,
    compute(module, at, x, { groups, channels, dilation }) {
      const [count, height, width] = x as [number, number, number];
      module.residual(
        at.x,
        at.out,
        at.filters,
        at.scratch,
        ...[count, height, width, channels, groups, dilation],
      );
    },
  };
