import { type Architecture, parseArchitecture, type Row } from './architecture.js';
import { LABELS } from './labels.js';

/** The choices that the paper leaves open, or that its claims are about. */
export interface Table1Options {
  /** Input side S in pixels, a multiple of 8. The paper's is 384 (section 4.1). */
  side: number;
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
const INPUT = { mean: 0.5077, deviation: 0.2551 };

/** The paper's network, Table 1, modules 1 to 23, for an input of side S. */
export function table1(options: Table1Options): Architecture {
  const {
    side,
    groups = 4,
    dilations = [2, 4, 8, 16],
    rates = [2, 4, 8],
    reduction = 8,
    dropout = 0,
    head = { maps: true, features: true, dropout: 0 },
  } = options;
  const block =
    (kind: 'arb' | 'non-bottleneck-1d', channels: number, dropped = 0) =>
    (module: number, dilation = 1): Row => ({
      name: `m${module}`,
      block: kind,
      channels,
      groups,
      dilation,
      dropout: dropped,
    });
  const dilated = (first: number, channels: number) =>
    dilations.map((d, i) => block('non-bottleneck-1d', channels, dropout)(first + i, d));
  return parseArchitecture({
    format: 1,
    labels: [...LABELS],
    side,
    input: INPUT,
    epsilon: 1e-5,
    rows: [
      { name: 'm1', block: 'downsampler', channels: 16 },
      { name: 'm2', block: 'downsampler', channels: 64 },
      ...[3, 4, 5, 6, 7].map((module) => block('arb', 64)(module)),
      { name: 'm8', block: 'downsampler', channels: 256 },
      ...dilated(9, 256),
      { name: 'm13_project', block: 'pointwise', channels: 128 },
      ...dilated(13, 128),
      ...(rates ? [{ name: 'attention', block: 'attention', reduction, rates: [...rates] } as const] : []),
      { name: 'm17', block: 'upsampler', channels: 64 },
      ...[18, 19].map((module) => block('non-bottleneck-1d', 64)(module)),
      { name: 'm20', block: 'upsampler', channels: 16 },
      ...[21, 22].map((module) => block('arb', 16)(module)),
      { name: 'm23', block: 'output', channels: LABELS.length },
    ],
    head,
  });
}
