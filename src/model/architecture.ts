import { z } from 'zod';
import { MienError } from './errors.js';
import { LABELS } from './labels.js';

/** Sides of the crop that every network eats, in pixels. FER2013's images have this size. */
export const CROP_SIZE = 48;
/** Bytes of a crop: 48×48, grey, uint8. */
export const CROP_BYTES = CROP_SIZE * CROP_SIZE;

const channels = z.number().int().min(1).max(4096);
const name = z.string().regex(/^[a-z][a-z0-9_]*$/);
const dropout = z.number().min(0).max(0.9);

/** 3×3 stride-2 convolution (out − in channels) ‖ 2×2 max-pool, batch norm, ReLU (section 3.2). */
const downsampler = z.strictObject({ name, block: z.literal('downsampler'), channels });

/**
 * The asymmetric residual block (`arb`) and the weak bottleneck (`non-bottleneck-1d`), section 3.2:
 * 3×1, ReLU, 1×3, batch norm, ReLU, 3×1, ReLU, 1×3, batch norm, dropout, + input, ReLU. All four
 * convolutions are grouped (section 3.1); the second pair is dilated.
 */
const residual = z.strictObject({
  name,
  block: z.enum(['arb', 'non-bottleneck-1d']),
  channels,
  groups: z.number().int().min(1).max(64),
  dilation: z.number().int().min(1).max(64),
  dropout,
});

/**
 * The residual block that the paper starts from: dense 3×3, batch norm, ReLU, dense 3×3 (dilated), batch norm, dropout,
 * + input, ReLU. The ablation's plain ERFNet is made of it.
 */
const plainResidual = z.strictObject({
  name,
  block: z.literal('residual'),
  channels,
  dilation: z.number().int().min(1).max(64),
  dropout,
});

/** A dense 1×1 convolution, batch norm, ReLU: how module 13 goes from 256 to 128 channels. */
const pointwise = z.strictObject({ name, block: z.literal('pointwise'), channels });

/**
 * A dense 1×1 convolution, batch norm, + input, ReLU: where the groups of a stage meet. The input is added, so that the
 * way from block to block stays open; the plan adds it to the kernel, so that it costs nothing.
 */
const mix = z.strictObject({ name, block: z.literal('mix'), channels });

/**
 * Squeeze-excitation (section 3.3, equations 1 and 2). The squeeze is ASPP: one 1×1 and one dilated
 * 3×3 convolution per rate, each with batch norm and ReLU and C / (1 + rates) channels, averaged over
 * the grid and joined to z ∈ R^C. Then s = σ(W2 δ(W1 z)), W1 ∈ R^(C/r × C), and the input is scaled by s.
 */
const attention = z.strictObject({
  name,
  block: z.literal('attention'),
  reduction: z.number().int().min(1).max(64),
  rates: z.array(z.number().int().min(1).max(64)).min(1).max(7),
});

/** 3×3 transposed convolution, stride 2, batch norm, ReLU (section 3.2). */
const upsampler = z.strictObject({ name, block: z.literal('upsampler'), channels });

/** 3×3 transposed convolution, stride 2, with bias: one full-size class map a label (module 23). */
const output = z.strictObject({ name, block: z.literal('output'), channels });

const row = z.discriminatedUnion('block', [
  downsampler,
  residual,
  plainResidual,
  pointwise,
  mix,
  attention,
  upsampler,
  output,
]);

/** The labels are part of every file, so that a reader of the weights alone knows what a score is of. */
const isLabels = (value: unknown) => JSON.stringify(value) === JSON.stringify(LABELS);

const architecture = z.strictObject({
  /** Version of this description; readers refuse others. */
  format: z.literal(1),
  labels: z.custom<typeof LABELS>(isLabels, `must be ${LABELS.join(', ')}`),
  /** Side S of the network's input in pixels; the 48×48 crop is enlarged to S×S (bilinear, half-pixel centres). */
  side: z.number().int().min(16).max(1024).multipleOf(8),
  /** The input is (crop / 255 − mean) / deviation. */
  input: z.strictObject({ mean: z.number(), deviation: z.number().positive() }),
  /** ε of every batch norm. */
  epsilon: z.number().positive(),
  rows: z.array(row).min(1).max(64),
  /**
   * What the logits are the sum of: `maps`, the globally averaged class maps; `features`, a fully connected
   * layer on the globally averaged encoder features, with dropout on these.
   */
  head: z.strictObject({ maps: z.boolean(), features: z.boolean(), dropout }),
  /** What publishing found labels to be smoothed by, which is taken from the scores again (scores.ts). Default 0. */
  smoothing: z.number().min(0).max(0.9).optional(),
});

/** The network as data: what training, every runtime and every plan are built from. */
export type Architecture = z.infer<typeof architecture>;
export type Row = z.infer<typeof row>;
export type ResidualRow = z.infer<typeof residual>;
export type PlainResidualRow = z.infer<typeof plainResidual>;

/** A row with what follows from the rows above it. Grids are sides in cells. */
export interface PlacedRow {
  row: Row;
  inputChannels: number;
  outputChannels: number;
  inputGrid: number;
  outputGrid: number;
}

const GRID_CHANGE: Partial<Record<Row['block'], (grid: number) => number>> = {
  downsampler: (grid) => grid / 2,
  upsampler: (grid) => grid * 2,
  output: (grid) => grid * 2,
};

/** Walks the table from the one-channel S×S input and says what enters and leaves each row. */
export function place(arch: Architecture): PlacedRow[] {
  let inputChannels = 1;
  let inputGrid = arch.side;
  return arch.rows.map((row) => {
    const outputChannels = 'channels' in row ? row.channels : inputChannels;
    const outputGrid = GRID_CHANGE[row.block]?.(inputGrid) ?? inputGrid;
    const placed = { row, inputChannels, outputChannels, inputGrid, outputGrid };
    inputChannels = outputChannels;
    inputGrid = outputGrid;
    return placed;
  });
}

/** Index of the first row of the decoder (the first upsampler or the output): the encoder ends before it. */
export function decoderStart(arch: Architecture): number {
  return arch.rows.findIndex((r) => r.block === 'upsampler' || r.block === 'output');
}

/** How many of the rows the logits come from: without class maps nothing reads the decoder. */
export function computedRows(arch: Architecture): number {
  return arch.head.maps ? arch.rows.length : decoderStart(arch);
}

function problemOf({ row, inputChannels, outputChannels, inputGrid }: PlacedRow): string | undefined {
  switch (row.block) {
    case 'downsampler':
      if (outputChannels <= inputChannels) return 'must have more channels than its input';
      return inputGrid % 2 ? `cannot halve a grid of ${inputGrid}` : undefined;
    case 'arb':
    case 'non-bottleneck-1d':
      if (outputChannels !== inputChannels) return `must keep its ${inputChannels} channels`;
      return outputChannels % row.groups
        ? `cannot split ${outputChannels} channels in ${row.groups}`
        : undefined;
    case 'residual':
    case 'mix':
      return outputChannels === inputChannels ? undefined : `must keep its ${inputChannels} channels`;
    case 'attention':
      if (inputChannels % (row.rates.length + 1)) return 'cannot share its channels among its branches';
      return inputChannels % row.reduction ? 'cannot divide its channels by the reduction' : undefined;
    case 'output':
      return outputChannels === LABELS.length ? undefined : `must have ${LABELS.length} channels`;
    default:
      return undefined;
  }
}

function problems(arch: Architecture): string[] {
  const placed = place(arch);
  const found = placed.flatMap((p) => {
    const problem = problemOf(p);
    return problem ? [`row ${p.row.name} (${p.row.block}) ${problem}`] : [];
  });
  if (new Set(arch.rows.map((r) => r.name)).size < arch.rows.length) found.push('row names must differ');
  if (arch.rows.some((r) => r.name === 'head')) found.push('no row may be called head');
  const last = placed[placed.length - 1];
  if (arch.rows.filter((r) => r.block === 'output').length !== 1 || last?.row.block !== 'output')
    found.push('the last row, and no other, must be the output');
  else if (last.outputGrid !== arch.side) found.push(`class maps must be ${arch.side} cells wide`);
  if (decoderStart(arch) < 1) found.push('the encoder must have at least one row');
  if (!arch.head.maps && !arch.head.features) found.push('the head needs maps, features or both');
  return found;
}

/**
 * Checks an architecture read from JSON.
 * @throws {MienError} `invalid_architecture`, naming every fault found.
 */
export function parseArchitecture(json: unknown): Architecture {
  const parsed = architecture.safeParse(json);
  const issues = parsed.success
    ? problems(parsed.data)
    : parsed.error.issues.map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`);
  if (!parsed.success || issues.length > 0)
    throw new MienError('invalid_architecture', `not a valid architecture: ${issues.join('; ')}`, {
      details: { issues },
    });
  return parsed.data;
}

/** The JSON form, as `architecture.json` holds it: one row a line, so that it reads like Table 1. */
export function formatArchitecture(arch: Architecture): string {
  const { rows, ...fields } = arch;
  const head = JSON.stringify(fields, null, 1).replace(/\n\s*(?=[^"}\s]|"(?![a-z]+":))/g, ' ');
  const lines = rows.map((r) => `  ${JSON.stringify(r)}`).join(',\n');
  return `${head.replace(/\s*}$/, '')},\n "rows": [\n${lines}\n ]\n}\n`;
}
