import { type Architecture, decoderStart, type PlacedRow, place } from './architecture.js';

/** Shapes by name of every tensor of the weights file, float32, in PyTorch's layout (convolutions OIHW, transposed IOHW). */
export type ParameterShapes = Map<string, readonly number[]>;

function norm(shapes: ParameterShapes, prefix: string, channels: number): void {
  for (const field of ['weight', 'bias', 'running_mean', 'running_var'])
    shapes.set(`${prefix}.${field}`, [channels]);
}

function addRow(shapes: ParameterShapes, { row, inputChannels: cin, outputChannels: cout }: PlacedRow): void {
  const at = (suffix: string, shape: number[]) => shapes.set(`${row.name}.${suffix}`, shape);
  switch (row.block) {
    case 'downsampler':
      at('conv.weight', [cout - cin, cin, 3, 3]);
      norm(shapes, `${row.name}.norm`, cout);
      return;
    case 'pointwise':
    case 'mix':
      at('conv.weight', [cout, cin, 1, 1]);
      norm(shapes, `${row.name}.norm`, cout);
      return;
    case 'residual':
      for (const n of [1, 2]) {
        at(`conv${n}.weight`, [cout, cin, 3, 3]);
        norm(shapes, `${row.name}.norm${n}`, cout);
      }
      return;
    case 'upsampler':
      at('conv.weight', [cin, cout, 3, 3]);
      norm(shapes, `${row.name}.norm`, cout);
      return;
    case 'output':
      at('conv.weight', [cin, cout, 3, 3]);
      at('conv.bias', [cout]);
      return;
    case 'arb':
    case 'non-bottleneck-1d': {
      const width = cin / row.groups;
      for (const [first, second, n] of [
        [1, 2, 1],
        [3, 4, 2],
      ]) {
        // A batch norm follows only the second of each pair, so only the first has a bias.
        at(`conv${first}.weight`, [cout, width, 3, 1]);
        at(`conv${first}.bias`, [cout]);
        at(`conv${second}.weight`, [cout, width, 1, 3]);
        norm(shapes, `${row.name}.norm${n}`, cout);
      }
      return;
    }
    case 'attention': {
      const branches = [0, ...row.rates];
      branches.forEach((rate, i) => {
        const kernel = rate === 0 ? 1 : 3;
        at(`branch${i}.conv.weight`, [cin / branches.length, cin, kernel, kernel]);
        norm(shapes, `${row.name}.branch${i}.norm`, cin / branches.length);
      });
      at('fc1.weight', [cin / row.reduction, cin]);
      at('fc2.weight', [cin, cin / row.reduction]);
      return;
    }
  }
}

/** Every tensor that the weights of an architecture must hold, in the order of the rows. */
export function parameterShapes(arch: Architecture): ParameterShapes {
  const shapes: ParameterShapes = new Map();
  const placed = place(arch);
  for (const p of placed) addRow(shapes, p);
  if (arch.head.features) {
    const features = placed[decoderStart(arch) - 1]?.outputChannels ?? 0;
    shapes.set('head.weight', [arch.labels.length, features]);
    shapes.set('head.bias', [arch.labels.length]);
  }
  return shapes;
}
