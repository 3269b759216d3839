import { type Conv, mergeGroups } from './fold.js';
import type { ConvOptions, Operations, Shaped, Unary } from './operations.js';
import { type Attribute, encodeSavedModel, FLOAT, type GraphNode, INT32 } from './saved-model.js';

/** A tensor of a graph: what a node gives. */
export interface GraphTensor extends Shaped {
  /** The node's name, with `:1`, `:2` … for outputs beyond the first. */
  readonly name: string;
}

const T: Record<string, Attribute> = { T: { type: FLOAT } };

/** Cells of the output along one axis. */
const outputSize = (size: number, taps: number, dilation: number, pad: [number, number], stride: number) =>
  Math.floor((size + pad[0] + pad[1] - (taps - 1) * dilation - 1) / stride) + 1;

/**
 * Writes operations down as a graph for libtensorflow, which optimises it as a whole: a convolution, its bias, the
 * residual that is added and the ReLU become one kernel, and kernels are given to all cores.
 */
export class Graph implements Operations<GraphTensor> {
  readonly #grouped: boolean;
  readonly #nodes: GraphNode[] = [];
  readonly #integers = new Map<string, GraphTensor>();

  /** @param options.grouped whether convolutions may have groups; if not, zeros stand for what these leave out */
  constructor({ grouped }: { grouped: boolean }) {
    this.#grouped = grouped;
  }

  /** `saved_model.pb`. */
  encode(): Uint8Array {
    return encodeSavedModel(this.#nodes);
  }

  /** What is fed under this name. */
  input(name: string, shape: number[]): GraphTensor {
    const attributes: GraphNode['attributes'] = { dtype: { type: FLOAT }, shape: { shape } };
    this.#nodes.push({ name, op: 'Placeholder', inputs: [], attributes });
    return { name, shape };
  }

  /** Makes a tensor one that can be asked for under this name. */
  output(name: string, x: GraphTensor): void {
    this.#nodes.push({ name, op: 'Identity', inputs: [x.name], attributes: T });
  }

  #node(op: string, inputs: GraphTensor[], shape: number[], attributes = T): GraphTensor {
    const name = `${op}_${this.#nodes.length}`;
    this.#nodes.push({ name, op, inputs: inputs.map((input) => input.name), attributes });
    return { name, shape };
  }

  constant(values: Float32Array, shape: number[]): GraphTensor {
    const attributes: GraphNode['attributes'] = { dtype: { type: FLOAT }, value: { tensor: values, shape } };
    return this.#node('Const', [], shape, attributes);
  }

  /** Sizes, axes and places are inputs of operations. */
  #integer(values: number[] | number): GraphTensor {
    const key = JSON.stringify(values);
    const shape = Array.isArray(values) ? [values.length] : [];
    const tensor = Int32Array.from(Array.isArray(values) ? values : [values]);
    const attributes: GraphNode['attributes'] = { dtype: { type: INT32 }, value: { tensor, shape } };
    const made = this.#integers.get(key) ?? this.#node('Const', [], shape, attributes);
    this.#integers.set(key, made);
    return made;
  }

  conv(
    conv: Conv,
    { stride = 1, pad, dilation = [1, 1], groups = 1, linear }: ConvOptions = {},
  ): Unary<GraphTensor> {
    const { shape, kernel, bias } = this.#grouped ? conv : mergeGroups(conv, groups, 1);
    const filter = this.constant(kernel, [...shape]);
    const offsets = this.constant(bias, [bias.length]);
    const attributes: GraphNode['attributes'] = {
      ...T,
      strides: { numbers: [1, stride, stride, 1] },
      dilations: { numbers: [1, ...dilation, 1] },
      padding: { text: pad ? 'EXPLICIT' : 'SAME' },
      ...(pad && { explicit_paddings: { numbers: [0, 0, ...pad.rows, ...pad.columns, 0, 0] } }),
    };
    return (x) => {
      const [n, height, width] = x.shape as [number, number, number];
      const [rows, columns] = pad
        ? [
            outputSize(height, shape[0], dilation[0], pad.rows, stride),
            outputSize(width, shape[1], dilation[1], pad.columns, stride),
          ]
        : [height, width];
      const size = [n, rows, columns, shape[3]];
      const biased = this.#node(
        'BiasAdd',
        [this.#node('Conv2D', [x, filter], size, attributes), offsets],
        size,
      );
      return linear ? biased : this.relu(biased);
    };
  }

  /** The larger shape is the result's. */
  #pair = (op: string) => (a: GraphTensor, b: GraphTensor) =>
    this.#node(op, [a, b], a.shape.length >= b.shape.length ? a.shape : b.shape);

  add = this.#pair('AddV2');
  sub = this.#pair('Sub');
  mul = this.#pair('Mul');
  matMul = (a: GraphTensor, b: GraphTensor) =>
    this.#node('MatMul', [a, b], [a.shape[0] as number, b.shape[1] as number]);
  relu = (x: GraphTensor) => this.#node('Relu', [x], x.shape);
  sigmoid = (x: GraphTensor) => this.#node('Sigmoid', [x], x.shape);

  maxPool(x: GraphTensor): GraphTensor {
    const [n, height, width, channels] = x.shape as [number, number, number, number];
    const window: Attribute = { numbers: [1, 2, 2, 1] };
    const attributes: GraphNode['attributes'] = {
      ...T,
      ksize: window,
      strides: window,
      padding: { text: 'VALID' },
    };
    return this.#node('MaxPool', [x], [n, height / 2, width / 2, channels], attributes);
  }

  #reduced = (op: string) => (x: GraphTensor) => {
    const shape = [x.shape[0] as number, x.shape[3] as number];
    return this.#node(op, [x, this.#integer([1, 2])], shape, { ...T, Tidx: { type: INT32 } });
  };

  sum = this.#reduced('Sum');
  mean = this.#reduced('Mean');

  concat(parts: GraphTensor[], axis: number): GraphTensor {
    const shape = [...(parts[0] as GraphTensor).shape];
    shape[axis] = parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
    const attributes: GraphNode['attributes'] = { ...T, N: { number: parts.length }, Tidx: { type: INT32 } };
    return this.#node('ConcatV2', [...parts, this.#integer(axis)], shape, attributes);
  }

  slice(x: GraphTensor, begin: number[], size: number[]): GraphTensor {
    const shape = size.map((length, axis) => {
      const whole = x.shape[axis] as number;
      return length >= 0 || whole < 0 ? length : whole - (begin[axis] as number);
    });
    const inputs = [x, this.#integer(begin), this.#integer(size)];
    return this.#node('Slice', inputs, shape, { ...T, Index: { type: INT32 } });
  }

  reshape = (x: GraphTensor, shape: number[]) =>
    this.#node('Reshape', [x, this.#integer(shape)], shape, { ...T, Tshape: { type: INT32 } });

  enlarge(x: GraphTensor, side: number): GraphTensor {
    const shape = [x.shape[0] as number, side, side, x.shape[3] as number];
    const attributes: GraphNode['attributes'] = { ...T, half_pixel_centers: { truth: true } };
    return this.#node('ResizeBilinear', [x, this.#integer([side, side])], shape, attributes);
  }

  tidy = (compute: () => GraphTensor) => compute();
  dispose = () => {};
}
