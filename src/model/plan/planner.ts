import {
  type Architecture,
  decoderStart,
  type PlacedRow,
  type PlainResidualRow,
  place,
  type ResidualRow,
  type Row,
} from '../architecture.js';
import { checkWeights, type Weights } from '../weights.js';
import {
  type Affine,
  addIdentity,
  blockDiagonal,
  type Conv,
  foldAffine,
  normAffine,
  readConv,
  sliceOutputs,
  take,
} from './fold.js';
import { type FoldedTail, foldTail, type RowSplit, splitRows } from './transposed.js';

/** float32 [inputs, outputs], with one bias an output. */
export interface Matrix {
  inputs: number;
  outputs: number;
  values: Float32Array;
  bias?: Float32Array;
}

/** A convolution whose taps are `dilation` rows and columns apart. */
export interface DilatedConv {
  /** Kernel [height, width, inputs / groups, outputs]: the first outputs are of the first group. */
  conv: Conv;
  dilation: [rows: number, columns: number];
  /** 1 where each group has a plane. */
  groups: number;
}

/** Part of a downsampler's output: channels of the convolution, or channels `from` to `to` of the pooled input. */
export type DownsamplePart = { conv: Conv } | { pool: Affine; from: number; to: number };

/**
 * One row, ready to compute. Between steps the channels stand in planes, in the planar layout one tensor a group of the
 * convolutions that follow (small groups share one), so that inside a stage nothing is split or joined; else in one.
 */
export type Step =
  | { kind: 'downsample'; planes: DownsamplePart[][] }
  /** On each plane: convolutions in turn, each with its dilation and all but the last with ReLU, + input, ReLU. */
  | { kind: 'residual'; grid: number; planes: DilatedConv[][] }
  | { kind: 'pointwise'; planes: Conv[] }
  | { kind: 'attention'; branches: { conv: Conv; rate: number }[]; fc1: Matrix; fc2: Matrix }
  | { kind: 'upsample'; planes: RowSplit[] };

/** The network and its weights for inference: batch norm folded, transposed convolutions split by rows. */
export interface Plan {
  side: number;
  input: Architecture['input'];
  encoder: Step[];
  /** On the encoder's averaged features. */
  features: Matrix | undefined;
  /** Empty where the class maps have no part in the logits. */
  decoder: Step[];
  tail: FoldedTail | undefined;
  /** The last row unfolded, for who wants to see the class maps; there with `tail`. */
  maps: RowSplit | undefined;
}

/**
 * How groups lie: `planar`, each a tensor of its own, which every backend computes; or `grouped`, all in one tensor, for
 * backends whose convolutions know groups.
 */
export type Layout = 'planar' | 'grouped';

/** Channels that a plane has at least: with fewer, vectors stay half empty, so that groups share a plane. */
const PLANE_CHANNELS = 8;

/** Planes that a row works in; a row that is not grouped takes its input whole. */
function planesOf(row: Row | undefined, layout: Layout): number {
  if (!row || !('groups' in row) || layout === 'grouped') return 1;
  const { groups, channels } = row;
  let planes = groups;
  while (planes > 1 && (groups % planes || channels / planes < Math.min(PLANE_CHANNELS, channels))) planes--;
  return planes;
}

/** What holds for the whole plan. */
interface Options {
  epsilon: number;
  layout: Layout;
}

/** Output channels of each plane: [from, to). */
const ranges = (channels: number, planes: number): [number, number][] =>
  Array.from({ length: planes }, (_, p) => [(p * channels) / planes, ((p + 1) * channels) / planes]);

function slices(conv: Conv, planes: number): Conv[] {
  return ranges(conv.shape[3], planes).map(([from, to]) => sliceOutputs(conv, from, to));
}

const part = ({ scale, shift }: Affine, from: number, to: number): Affine => ({
  scale: scale.slice(from, to),
  shift: shift.slice(from, to),
});

function downsample(weights: Weights, placed: PlacedRow, planes: number, epsilon: number): Step {
  const { name } = placed.row;
  const norm = normAffine(weights, `${name}.norm`, epsilon);
  const plain = readConv(weights, `${name}.conv`);
  const convolved = plain.shape[3];
  const conv = foldAffine(plain, part(norm, 0, convolved));
  return {
    kind: 'downsample',
    planes: ranges(placed.outputChannels, planes).map(([from, to]) => {
      const parts: DownsamplePart[] = [];
      if (from < convolved) parts.push({ conv: sliceOutputs(conv, from, Math.min(to, convolved)) });
      if (to > convolved) {
        const first = Math.max(from, convolved);
        parts.push({ pool: part(norm, first, to), from: first - convolved, to: to - convolved });
      }
      return parts;
    }),
  };
}

function residual(weights: Weights, row: ResidualRow, grid: number, { epsilon, layout }: Options): Step {
  const norm = (n: number) => normAffine(weights, `${row.name}.norm${n}`, epsilon);
  const conv = (n: number) => readConv(weights, `${row.name}.conv${n}`);
  const convs = [conv(1), foldAffine(conv(2), norm(1)), conv(3), foldAffine(conv(4), norm(2))];
  const planeCount = planesOf(row, layout);
  const shared = row.groups / planeCount;
  const groups = layout === 'grouped' ? row.groups : 1;
  const byConv = convs.map((c) => {
    if (layout === 'grouped') return [c];
    const groups = slices(c, row.groups);
    return ranges(row.groups, planeCount).map(([from, to]) =>
      shared === 1 ? (groups[from] as Conv) : blockDiagonal(groups.slice(from, to)),
    );
  });
  const d = row.dilation;
  const dilations: [number, number][] = [
    [1, 1],
    [1, 1],
    [d, 1],
    [1, d],
  ];
  const planes = Array.from({ length: planeCount }, (_, p) =>
    dilations.map((dilation, i) => ({ conv: byConv[i]?.[p] as Conv, dilation, groups })),
  );
  return { kind: 'residual', grid, planes };
}

function plainResidual(
  weights: Weights,
  { name, dilation: d }: PlainResidualRow,
  grid: number,
  epsilon: number,
): Step {
  const conv = (n: number) =>
    foldAffine(readConv(weights, `${name}.conv${n}`), normAffine(weights, `${name}.norm${n}`, epsilon));
  const convs: DilatedConv[] = [
    { conv: conv(1), dilation: [1, 1], groups: 1 },
    { conv: conv(2), dilation: [d, d], groups: 1 },
  ];
  return { kind: 'residual', grid, planes: [convs] };
}

function matrix(weights: Weights, name: string): Matrix {
  const { shape, data } = take(weights, `${name}.weight`);
  const [outputs, inputs] = shape as [number, number];
  const values = new Float32Array(data.length);
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++) values[i * outputs + o] = data[o * inputs + i] as number;
  const bias = weights.get(`${name}.bias`)?.data;
  return bias ? { inputs, outputs, values, bias } : { inputs, outputs, values };
}

function step(weights: Weights, placed: PlacedRow, planes: number, options: Options): Step {
  const { row } = placed;
  const { epsilon } = options;
  const folded = (at: string, transposed = false) =>
    foldAffine(readConv(weights, `${at}.conv`, transposed), normAffine(weights, `${at}.norm`, epsilon));
  switch (row.block) {
    case 'downsampler':
      return downsample(weights, placed, planes, epsilon);
    case 'arb':
    case 'non-bottleneck-1d':
      return residual(weights, row, placed.outputGrid, options);
    case 'residual':
      return plainResidual(weights, row, placed.outputGrid, epsilon);
    case 'mix':
      return { kind: 'pointwise', planes: slices(addIdentity(folded(row.name)), planes) };
    case 'pointwise':
      return { kind: 'pointwise', planes: slices(folded(row.name), planes) };
    case 'attention': {
      const branches = [0, ...row.rates].map((rate, i) => ({ conv: folded(`${row.name}.branch${i}`), rate }));
      const [fc1, fc2] = [matrix(weights, `${row.name}.fc1`), matrix(weights, `${row.name}.fc2`)];
      return { kind: 'attention', branches, fc1, fc2 };
    }
    case 'upsampler':
      return { kind: 'upsample', planes: slices(folded(row.name, true), planes).map(splitRows) };
    case 'output':
      throw new TypeError('the output row has no step: it is the tail');
  }
}

/**
 * Compiles an architecture and its weights. Pure: arrays in, arrays out.
 * @param layout what the backend computes best. Default `planar`, which all compute
 * @throws {MienError} `invalid_weights` if the weights are not the architecture's.
 */
export function plan(arch: Architecture, weights: Weights, layout: Layout = 'planar'): Plan {
  checkWeights(weights, arch);
  const rows = place(arch);
  const start = decoderStart(arch);
  const steps = (from: number, to: number) =>
    rows.slice(from, to).map((placed, i) => {
      const planes = planesOf(rows[from + i + 1]?.row, layout);
      return step(weights, placed, planes, { epsilon: arch.epsilon, layout });
    });
  const last = rows[rows.length - 1] as PlacedRow;
  const output = arch.head.maps ? readConv(weights, `${last.row.name}.conv`, true) : undefined;
  return {
    side: arch.side,
    input: arch.input,
    encoder: steps(0, start),
    features: arch.head.features ? matrix(weights, 'head') : undefined,
    decoder: arch.head.maps ? steps(start, rows.length - 1) : [],
    tail: output && foldTail(output, last.inputGrid),
    maps: output && splitRows(output),
  };
}
