import {
  type Architecture,
  decoderStart,
  type PlacedRow,
  type PlainResidualRow,
  place,
  type ResidualRow,
} from '../architecture.js';
import { checkWeights, type Weights } from '../weights.js';
import { type Affine, addIdentity, type Conv, foldAffine, normAffine, readConv, take } from './fold.js';
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
  groups: number;
  dilation: [rows: number, columns: number];
}

/** One row, ready to compute. */
export type Step =
  /** The convolution, of stride 2, with ReLU; behind its channels the pooled input, scaled, shifted, with ReLU. */
  | { kind: 'downsample'; conv: Conv; pool: Affine }
  /** Convolutions in turn, all but the last with ReLU, + input, ReLU. */
  | { kind: 'residual'; grid: number; convs: DilatedConv[] }
  | { kind: 'pointwise'; conv: Conv }
  | { kind: 'attention'; branches: { conv: Conv; rate: number }[]; fc1: Matrix; fc2: Matrix }
  | { kind: 'upsample'; split: RowSplit };

export type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

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
  /** The last row unfolded, for who wants to see the class maps; there with `tail`, where they have a part in the logits. */
  maps: RowSplit | undefined;
}

const part = ({ scale, shift }: Affine, from: number, to: number): Affine => ({
  scale: scale.slice(from, to),
  shift: shift.slice(from, to),
});

function downsample(weights: Weights, name: string, epsilon: number): Step {
  const norm = normAffine(weights, `${name}.norm`, epsilon);
  const conv = readConv(weights, `${name}.conv`);
  const [convolved, all] = [conv.shape[3], norm.scale.length];
  return {
    kind: 'downsample',
    conv: foldAffine(conv, part(norm, 0, convolved)),
    pool: part(norm, convolved, all),
  };
}

function residual(weights: Weights, row: ResidualRow, grid: number, epsilon: number): Step {
  const { name, groups, dilation: d } = row;
  const norm = (n: number) => normAffine(weights, `${name}.norm${n}`, epsilon);
  const conv = (n: number) => readConv(weights, `${name}.conv${n}`);
  const convs: DilatedConv[] = [
    { conv: conv(1), groups, dilation: [1, 1] },
    { conv: foldAffine(conv(2), norm(1)), groups, dilation: [1, 1] },
    { conv: conv(3), groups, dilation: [d, 1] },
    { conv: foldAffine(conv(4), norm(2)), groups, dilation: [1, d] },
  ];
  return { kind: 'residual', grid, convs };
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
    { conv: conv(1), groups: 1, dilation: [1, 1] },
    { conv: conv(2), groups: 1, dilation: [d, d] },
  ];
  return { kind: 'residual', grid, convs };
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

function step(weights: Weights, { row, outputGrid }: PlacedRow, epsilon: number): Step {
  const folded = (at: string, transposed = false) =>
    foldAffine(readConv(weights, `${at}.conv`, transposed), normAffine(weights, `${at}.norm`, epsilon));
  switch (row.block) {
    case 'downsampler':
      return downsample(weights, row.name, epsilon);
    case 'arb':
    case 'non-bottleneck-1d':
      return residual(weights, row, outputGrid, epsilon);
    case 'residual':
      return plainResidual(weights, row, outputGrid, epsilon);
    case 'mix':
      return { kind: 'pointwise', conv: addIdentity(folded(row.name)) };
    case 'pointwise':
      return { kind: 'pointwise', conv: folded(row.name) };
    case 'attention': {
      const branches = [0, ...row.rates].map((rate, i) => ({ conv: folded(`${row.name}.branch${i}`), rate }));
      const [fc1, fc2] = [matrix(weights, `${row.name}.fc1`), matrix(weights, `${row.name}.fc2`)];
      return { kind: 'attention', branches, fc1, fc2 };
    }
    case 'upsampler':
      return { kind: 'upsample', split: splitRows(folded(row.name, true)) };
    case 'output':
      throw new TypeError('the output row has no step: it is the tail');
  }
}

/**
 * Compiles an architecture and its weights. Pure: arrays in, arrays out.
 * @throws {MienError} `invalid_weights` if the weights are not the architecture's.
 */
export function plan(arch: Architecture, weights: Weights): Plan {
  checkWeights(weights, arch);
  const rows = place(arch);
  const start = decoderStart(arch);
  const steps = (from: number, to: number) =>
    rows.slice(from, to).map((placed) => step(weights, placed, arch.epsilon));
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
