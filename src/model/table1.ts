import { type Architecture, parseArchitecture, type Row } from './architecture.js';
import { MienError } from './errors.js';
import { LABELS } from './labels.js';

/** The choices that the paper leaves open, or that its claims are about. */
export interface Table1Options {
  /** Input side S in pixels, a multiple of 8. The paper's is 384 (section 4.1). */
  side: number;
  /** Multiplies every stage's channels, which are then rounded to multiples of 8. Table 1's are width 1. */
  width?: number;
  /** Whether the residual blocks are 3×1, 1×3 pairs (section 3.2); if not, they are plain, dense 3×3 ones. */
  factorised?: boolean;
  /** Residual modules after which a dense 1×1 convolution mixes the groups. The paper has none. */
  mixAfter?: readonly number[];
  /** Groups of every 3×1 and 1×3 convolution (section 3.1). */
  groups?: number;
  /** Dilations of modules 9 to 12, and again of 13 to 16. Table 1's are 2, 4, 8, 16. */
  dilations?: readonly [number, number, number, number];
  /** Rates of the ASPP squeeze's 3×3 branches; null leaves the attention out. */
  rates?: readonly number[] | null;
  /** r of equation 2. */
  reduction?: number;
  /** Dropout at the end of modules 9 to 16. */
  dropout?: number;
  /** What the logits are the sum of. */
  head?: { maps: boolean; features: boolean; dropout: number };
}

/** About the mean and the standard deviation of FER2013’s Training pixels, scaled to 0..1 (0.5078, 0.2550). */
export const INPUT = { mean: 0.5077, deviation: 0.2551 };

/** Modules that are residual blocks. */
const RESIDUAL_MODULES = [3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 21, 22];
/** Channels of their stages. */
const RESIDUAL_CHANNELS = [16, 64, 128, 256];

/** The paper's network, Table 1, modules 1 to 23, for an input of side S. */
export function table1(options: Table1Options): Architecture {
  const {
    side,
    width = 1,
    factorised = true,
    mixAfter = [],
    groups = 4,
    dilations = [2, 4, 8, 16],
    rates = [2, 4, 8],
    reduction = 8,
    dropout = 0,
    head = { maps: true, features: true, dropout: 0 },
  } = options;
  if (!factorised && groups > 1)
    throw new MienError('invalid_architecture', 'plain 3×3 blocks are dense: groups must be 1');
  const misplaced = mixAfter.filter((module) => !RESIDUAL_MODULES.includes(module));
  if (misplaced.length > 0)
    throw new MienError(
      'invalid_architecture',
      `module ${misplaced.join(', ')} is no residual block to mix after`,
    );
  const wide = (channels: number) => Math.max(8, 8 * Math.round((channels * width) / 8));
  const uneven = RESIDUAL_CHANNELS.map(wide).filter((channels) => channels % groups !== 0);
  if (uneven.length > 0)
    throw new MienError(
      'invalid_architecture',
      `${groups} groups cannot share ${uneven.join(', ')} channels evenly`,
    );
  const block =
    (kind: 'arb' | 'non-bottleneck-1d', channels: number, dropped = 0) =>
    (module: number, dilation = 1): Row[] => {
      const fields = { name: `m${module}`, channels: wide(channels), dilation, dropout: dropped };
      const row: Row = factorised ? { ...fields, block: kind, groups } : { ...fields, block: 'residual' };
      if (!mixAfter.includes(module)) return [row];
      return [row, { name: `m${module}_mix`, block: 'mix', channels: wide(channels) }];
    };
  const dilated = (first: number, channels: number) =>
    dilations.flatMap((d, i) => block('non-bottleneck-1d', channels, dropout)(first + i, d));
  return parseArchitecture({
    format: 1,
    labels: [...LABELS],
    side,
    input: INPUT,
    epsilon: 1e-5,
    rows: [
      { name: 'm1', block: 'downsampler', channels: wide(16) },
      { name: 'm2', block: 'downsampler', channels: wide(64) },
      ...[3, 4, 5, 6, 7].flatMap((module) => block('arb', 64)(module)),
      { name: 'm8', block: 'downsampler', channels: wide(256) },
      ...dilated(9, 256),
      { name: 'm13_project', block: 'pointwise', channels: wide(128) },
      ...dilated(13, 128),
      ...(rates ? [{ name: 'attention', block: 'attention', reduction, rates: [...rates] } as const] : []),
      { name: 'm17', block: 'upsampler', channels: wide(64) },
      ...[18, 19].flatMap((module) => block('non-bottleneck-1d', 64)(module)),
      { name: 'm20', block: 'upsampler', channels: wide(16) },
      ...[21, 22].flatMap((module) => block('arb', 16)(module)),
      { name: 'm23', block: 'output', channels: LABELS.length },
    ],
    head,
  });
}
