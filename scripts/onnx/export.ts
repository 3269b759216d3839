import {
  type Architecture,
  CROP_SIZE,
  decoderStart,
  parseArchitecture,
  type ResidualRow,
  type Row,
} from '../../src/model/architecture.js';
import type { ModelFiles } from '../../src/model/model.js';
import { type Affine, normAffine, take } from '../../src/model/plan/fold.js';
import { LEFT } from '../../src/model/scores.js';
import { checkWeights, decodeSafetensors, type Weights } from '../../src/model/weights.js';
import { value } from './graph.js';
import { type ConvOptions, LayerBuilder } from './layers.js';
import { encodeOnnx } from './schema.js';

/** Operators' version: 18 is the first whose Resize takes sizes of some axes alone. IR 8 came with it. */
const OPSET = 18;
const IR_VERSION = 8;

/** Before the names of layers in the graph, since a row may be called `crops` or `scores` too. */
const LAYER = 'layer.';

/**
 * A model as ONNX, with the meaning of a crop inside: `crops` uint8 [n, 48, 48, 1] → `scores` float32 [n, 7], which are
 * the names, types and shapes of /v2/models/mien/infer.
 *
 * It is the network as Table 1 has it: grouped convolutions with `group`, transposed ones, class maps at full size and
 * averaged; batch norm is folded into the convolution before it, as exporters do.
 *
 * @throws {MienError} `invalid_architecture` or `invalid_weights`
 */
export function exportOnnx({ name, version, architecture, weights }: ModelFiles): Uint8Array {
  const arch = parseArchitecture(architecture);
  const read = decodeSafetensors(weights);
  checkWeights(read, arch);
  const builder = new Network(arch, read);
  builder.build();
  const { labels } = arch;
  return encodeOnnx({
    irVersion: IR_VERSION,
    producerName: 'mien',
    opsetImport: [{ version: OPSET }],
    metadataProps: Object.entries({ name, version, labels: labels.join(',') }).map(([key, of]) => ({
      key,
      value: of,
    })),
    graph: {
      name,
      node: builder.graph.nodes,
      initializer: builder.graph.initializers,
      input: [value('crops', 'uint8', ['n', CROP_SIZE, CROP_SIZE, 1])],
      output: [value('scores', 'float32', ['n', labels.length])],
    },
  });
}

class Network {
  readonly graph: LayerBuilder;
  readonly #arch: Architecture;
  readonly #weights: Weights;

  constructor(arch: Architecture, weights: Weights) {
    this.#arch = { ...arch, rows: arch.rows.map((row) => ({ ...row, name: LAYER + row.name })) };
    this.#weights = new Map([...weights].map(([name, weight]) => [LAYER + name, weight]));
    this.graph = new LayerBuilder(this.#weights);
  }

  build(): void {
    const { rows, head } = this.#arch;
    const start = decoderStart(this.#arch);
    const through = (from: number, to: number, input: string) =>
      rows.slice(from, to).reduce((x, row) => this.#row(row, x), input);
    const encoded = through(0, start, this.#input('crops'));
    const parts: string[] = [];
    if (head.features) parts.push(this.graph.dense(`${LAYER}head`, this.graph.average('features', encoded)));
    if (head.maps) parts.push(this.graph.average('maps', through(start, rows.length, encoded)));
    const [first = '', second] = parts;
    const logits = second ? this.graph.add('logits', 'Add', [first, second]) : first;
    this.#scores(logits);
  }

  /** As `scoresOf` in src/model/scores.ts: [n, 7]. */
  #scores(logits: string): void {
    const { graph } = this;
    const { smoothing = 0, labels } = this.#arch;
    if (smoothing === 0) return void graph.add('scores', 'Softmax', [logits], { axis: 1 });
    const one = (name: string, value: number) => graph.floats(name, [1], Float32Array.of(value));
    const smooth = graph.add('scores.smooth', 'Softmax', [logits], { axis: 1 });
    const taken = graph.add('scores.taken', 'Sub', [smooth, one('scores.share', smoothing / labels.length)]);
    const left = graph.add('scores.left', 'Mul', [smooth, one('scores.hundredth', LEFT)]);
    const scores = graph.add('scores.rid', 'Max', [taken, left]);
    const axes = graph.integers('scores.axes', [1]);
    const sum = graph.add('scores.sum', 'ReduceSum', [scores, axes], { keepdims: 1 });
    graph.add('scores', 'Div', [scores, sum]);
  }

  /** The crop as the network's input: scaled, enlarged (bilinear, half-pixel centres), [n, 1, S, S]. */
  #input(crops: string): string {
    const { graph } = this;
    const { side, input } = this.#arch;
    const scale = graph.floats('input.scale', [1], Float32Array.of(1 / (255 * input.deviation)));
    const shift = graph.floats('input.shift', [1], Float32Array.of(-input.mean / input.deviation));
    const shape = graph.integers('input.shape', [0, 1, CROP_SIZE, CROP_SIZE]);
    // One channel: last or second is the same to the bytes.
    const planes = graph.add('input.planes', 'Reshape', [crops, shape]);
    const numbers = graph.add('input.float', 'Cast', [planes], { to: 1 });
    const scaled = graph.add('input.scaled', 'Mul', [numbers, scale]);
    const shifted = graph.add('input.shifted', 'Add', [scaled, shift]);
    const sizes = graph.integers('input.sizes', [side, side]);
    return graph.add('input', 'Resize', [shifted, '', '', sizes], {
      axes: [2, 3],
      mode: 'linear',
      coordinate_transformation_mode: 'half_pixel',
    });
  }

  #row(row: Row, x: string): string {
    const { name } = row;
    switch (row.block) {
      case 'downsampler':
        return this.#downsampler(name, x);
      case 'arb':
      case 'non-bottleneck-1d':
        return this.#residual(row, x);
      case 'residual': {
        const d = row.dilation;
        const first = this.graph.conv(`${name}.conv1`, x, { pad: [1, 1], norm: this.#norm(`${name}.norm1`) });
        const second = this.graph.conv(`${name}.conv2`, this.graph.relu(first), {
          pad: [d, d],
          dilation: [d, d],
          norm: this.#norm(`${name}.norm2`),
        });
        return this.graph.added(name, x, second);
      }
      case 'pointwise':
        return this.graph.relu(this.graph.conv(`${name}.conv`, x, { norm: this.#norm(`${name}.norm`) }));
      case 'mix':
        return this.graph.added(
          name,
          x,
          this.graph.conv(`${name}.conv`, x, { norm: this.#norm(`${name}.norm`) }),
        );
      case 'attention':
        return this.#attention(name, [0, ...row.rates], x);
      case 'upsampler':
        return this.graph.relu(this.graph.transposed(`${name}.conv`, x, this.#norm(`${name}.norm`)));
      case 'output':
        return this.graph.transposed(`${name}.conv`, x);
    }
  }

  /** The norm is after the join: its first channels go into the convolution, the rest scale what is pooled. */
  #downsampler(name: string, x: string): string {
    const { graph } = this;
    const norm = this.#norm(`${name}.norm`);
    const [convolved = 0] = take(this.#weights, `${name}.conv.weight`).shape;
    const part = (from: number, to?: number) => ({
      scale: norm.scale.slice(from, to),
      shift: norm.shift.slice(from, to),
    });
    const conv = graph.conv(`${name}.conv`, x, { pad: [1, 1], stride: 2, norm: part(0, convolved) });
    const pool = graph.add(`${name}.pool`, 'MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
    const { scale, shift } = part(convolved);
    const shape = [1, scale.length, 1, 1];
    const scaled = graph.add(`${name}.scaled`, 'Mul', [pool, graph.floats(`${name}.scale`, shape, scale)]);
    const shifted = graph.add(`${name}.shifted`, 'Add', [
      scaled,
      graph.floats(`${name}.shift`, shape, shift),
    ]);
    return graph.add(name, 'Concat', [graph.relu(conv), graph.relu(shifted)], { axis: 1 });
  }

  #residual({ name, groups, dilation: d }: ResidualRow, x: string): string {
    const conv = (n: number, input: string, options: ConvOptions) =>
      this.graph.conv(`${name}.conv${n}`, input, { groups, ...options });
    let y = this.graph.relu(conv(1, x, { pad: [1, 0] }));
    y = this.graph.relu(conv(2, y, { pad: [0, 1], norm: this.#norm(`${name}.norm1`) }));
    y = this.graph.relu(conv(3, y, { pad: [d, 0], dilation: [d, 1] }));
    y = conv(4, y, { pad: [0, d], dilation: [1, d], norm: this.#norm(`${name}.norm2`) });
    return this.graph.added(name, x, y);
  }

  /** Equations 1 and 2 of the paper, squeezed by ASPP (section 3.3). */
  #attention(name: string, rates: number[], x: string): string {
    const { graph } = this;
    const branches = rates.map((rate, i) => {
      const at = `${name}.branch${i}`;
      const dilation: [number, number] = [rate || 1, rate || 1];
      const y = graph.conv(`${at}.conv`, x, {
        pad: [rate, rate],
        dilation,
        norm: this.#norm(`${at}.norm`),
      });
      return graph.average(at, graph.relu(y));
    });
    const z = graph.add(`${name}.squeezed`, 'Concat', branches, { axis: 1 });
    const hidden = graph.relu(graph.dense(`${name}.fc1`, z));
    const s = graph.add(`${name}.sigmoid`, 'Sigmoid', [graph.dense(`${name}.fc2`, hidden)]);
    const planes = graph.add(`${name}.gate`, 'Unsqueeze', [s, graph.integers(`${name}.axes`, [2, 3])]);
    return graph.add(name, 'Mul', [x, planes]);
  }

  #norm(name: string): Affine {
    return normAffine(this.#weights, name, this.#arch.epsilon);
  }
}
