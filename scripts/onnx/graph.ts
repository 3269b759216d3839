import {
  ATTRIBUTE_TYPE,
  DATA_TYPE,
  type DataType,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './schema.js';

/** A number with a fraction must say that it is one: `{ f: 1 }`. */
type AttributeValue = number | { f: number } | string | readonly number[];

function attribute(name: string, value: AttributeValue): OnnxAttribute {
  if (typeof value === 'number') return { name, type: ATTRIBUTE_TYPE.i, i: value };
  if (typeof value === 'string') return { name, type: ATTRIBUTE_TYPE.s, s: new TextEncoder().encode(value) };
  if ('f' in value) return { name, type: ATTRIBUTE_TYPE.f, f: value.f };
  return { name, type: ATTRIBUTE_TYPE.ints, ints: value };
}

/** @param shape sizes; a name stands for any size */
export function value(name: string, type: DataType, shape: readonly (number | string)[]): OnnxValue {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: DATA_TYPE[type], shape: { dim } } } };
}

/** A graph while it is written: operations by the names of what they take and give. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];

  /**
   * Adds an operation with one output.
   * @returns the output's name, which is the operation's
   */
  add(
    name: string,
    opType: string,
    input: readonly string[],
    attributes: Record<string, AttributeValue> = {},
  ): string {
    const described = Object.entries(attributes).map(([key, of]) => attribute(key, of));
    this.nodes.push({ name, opType, input, output: [name], attribute: described });
    return name;
  }

  /** Adds float32 values that the model holds. */
  floats(name: string, dims: readonly number[], data: Float32Array): string {
    return this.#constant(name, 'float32', dims, data);
  }

  /** Adds int64 values, [n]: shapes and axes. */
  integers(name: string, data: readonly number[]): string {
    return this.#constant(name, 'int64', [data.length], BigInt64Array.from(data, BigInt));
  }

  #constant(name: string, type: DataType, dims: readonly number[], data: Float32Array | BigInt64Array) {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.push({ name, dataType: DATA_TYPE[type], dims, rawData });
    return name;
  }
}
