import { type Affine, take } from '../../src/model/plan/fold.js';
import type { Weights } from '../../src/model/weights.js';
import { GraphBuilder } from './graph.js';

export interface ConvOptions {
  /** Rows and columns of padding on each side. */
  pad?: [rows: number, columns: number];
  dilation?: [rows: number, columns: number];
  stride?: number;
  groups?: number;
  /** What follows, to be folded in: one pair an output channel. */
  norm?: Affine;
}

/** A graph that is written layer by layer: a layer's constants are the weights of its name. */
export class LayerBuilder extends GraphBuilder {
  readonly #weights: Weights;

  constructor(weights: Weights) {
    super();
    this.#weights = weights;
  }

  conv(name: string, x: string, options: ConvOptions): string {
    const { pad: [rows, columns] = [0, 0], dilation = [1, 1], stride = 1, groups = 1, norm } = options;
    const { shape, data } = take(this.#weights, `${name}.weight`);
    const [outputs = 0] = shape;
    const length = data.length / outputs;
    const kernel = norm ? data.map((k, i) => k * (norm.scale[Math.floor(i / length)] as number)) : data;
    return this.add(name, 'Conv', [x, ...this.#kernel(name, shape, kernel, outputs, norm)], {
      kernel_shape: shape.slice(2),
      pads: [rows, columns, rows, columns],
      dilations: dilation,
      strides: [stride, stride],
      group: groups,
    });
  }

  /** 3×3, stride 2: output row y takes input row i through kernel row y + 1 − 2i. */
  transposed(name: string, x: string, norm?: Affine): string {
    const { shape, data } = take(this.#weights, `${name}.weight`);
    const outputs = shape[1] as number;
    const kernel = norm ? data.map((k, i) => k * (norm.scale[Math.floor(i / 9) % outputs] as number)) : data;
    return this.add(name, 'ConvTranspose', [x, ...this.#kernel(name, shape, kernel, outputs, norm)], {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
      output_padding: [1, 1],
      strides: [2, 2],
    });
  }

  /** Kernel and bias as constants, the bias with the norm folded in. */
  #kernel(
    name: string,
    shape: readonly number[],
    kernel: Float32Array,
    outputs: number,
    norm?: Affine,
  ): string[] {
    const plain = this.#weights.get(`${name}.bias`)?.data ?? new Float32Array(outputs);
    const bias = norm
      ? plain.map((b, o) => b * (norm.scale[o] as number) + (norm.shift[o] as number))
      : plain;
    return [this.floats(`${name}.weight`, shape, kernel), this.floats(`${name}.bias`, [outputs], bias)];
  }

  /** A fully connected layer, [n, inputs] to [n, outputs]; its weights are [outputs, inputs]. */
  dense(name: string, x: string): string {
    const { shape, data } = take(this.#weights, `${name}.weight`);
    const bias = this.#weights.get(`${name}.bias`);
    const inputs = [x, this.floats(`${name}.weight`, shape, data)];
    if (bias) inputs.push(this.floats(`${name}.bias`, bias.shape, bias.data));
    return this.add(name, 'Gemm', inputs, { transB: 1 });
  }

  /** Over the grid: [n, c, h, w] to [n, c]. */
  average(name: string, x: string): string {
    const pooled = this.add(`${name}.pooled`, 'GlobalAveragePool', [x]);
    return this.add(`${name}.averaged`, 'Flatten', [pooled], { axis: 1 });
  }

  added(name: string, x: string, y: string): string {
    return this.relu(this.add(`${name}.sum`, 'Add', [x, y]));
  }

  relu(x: string): string {
    return this.add(`${x}.relu`, 'Relu', [x]);
  }
}
