import { type Architecture, computedRows, type PlacedRow, place } from './architecture.js';
import { parameterShapes } from './parameters.js';

/** What a network, or one row of it, costs. All are counts for one picture at the architecture's side. */
export interface Cost {
  /** Values of the weights file, but for the batch norms' running statistics. */
  parameters: number;
  /**
   * Multiply-accumulates of the convolutions and matrices; batch norms, additions and the enlargement are left out, and
   * rows that the logits do not come from.
   */
  macs: number;
  /**
   * Values that convolutions, pools and matrices write, and the attention's product: batch norm and ReLU counted as
   * done in place. Times 4 they are bytes in float32, times 2 in bfloat16. Training keeps them all; the plan does not.
   */
  activations: number;
}

const size = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);

/** Values that a row writes beside what its kernels do. */
function written({ row, inputChannels, outputChannels, outputGrid }: PlacedRow): number {
  if (row.block === 'downsampler') return inputChannels * outputGrid ** 2;
  return row.block === 'attention' ? outputChannels * outputGrid ** 2 : 0;
}

function kernelCost(placed: PlacedRow, shape: readonly number[]): Omit<Cost, 'parameters'> {
  const { row, inputGrid, outputGrid } = placed;
  // A matrix works once a picture. A convolution's kernel works once for each cell of its output, a transposed one's
  // once for each of its input: for every row that is the smaller grid.
  if (shape.length === 2) return { macs: size(shape), activations: shape[0] as number };
  const transposed = row.block === 'upsampler' || row.block === 'output';
  return {
    macs: size(shape) * Math.min(inputGrid, outputGrid) ** 2,
    activations: (shape[transposed ? 1 : 0] as number) * outputGrid ** 2,
  };
}

/** The cost of each row by its name, and of the head as `head`, in the order of the rows. */
export function rowCosts(arch: Architecture): Map<string, Cost> {
  const placed = new Map(place(arch).map((p) => [p.row.name, p]));
  const idle = new Set(arch.rows.slice(computedRows(arch)).map((row) => row.name));
  const costs = new Map<string, Cost>(
    [...placed].map(([name, p]) => [
      name,
      { parameters: 0, macs: 0, activations: idle.has(name) ? 0 : written(p) },
    ]),
  );
  if (arch.head.features) costs.set('head', { parameters: 0, macs: 0, activations: 0 });
  for (const [tensor, shape] of parameterShapes(arch)) {
    if (tensor.includes('.running_')) continue;
    const name = tensor.slice(0, tensor.indexOf('.'));
    const cost = costs.get(name) as Cost;
    cost.parameters += size(shape);
    if (shape.length === 1 || idle.has(name)) continue;
    const row = placed.get(name);
    const { macs, activations } = row
      ? kernelCost(row, shape)
      : { macs: size(shape), activations: shape[0] as number };
    cost.macs += macs;
    cost.activations += activations;
  }
  return costs;
}

/** The cost of the whole network. */
export function networkCost(arch: Architecture): Cost {
  return [...rowCosts(arch).values()].reduce((sum, row) => ({
    parameters: sum.parameters + row.parameters,
    macs: sum.macs + row.macs,
    activations: sum.activations + row.activations,
  }));
}
