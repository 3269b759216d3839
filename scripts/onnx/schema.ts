import protobuf from 'protobufjs';

/*
 * The part of ONNX's format that a convolutional network needs: messages, with the numbers that its public schema
 * (onnx.proto3) gives the fields.
 */

type Fields = Record<string, [type: string, id: number] | [type: string, id: number, rule: 'repeated']>;

const message = (fields: Fields, oneof?: string[]) => ({
  fields: Object.fromEntries(
    Object.entries(fields).map(([name, [type, id, rule]]) => [name, { type, id, ...(rule && { rule }) }]),
  ),
  ...(oneof && { oneofs: { value: { oneof } } }),
});

const schema = protobuf.Root.fromJSON({
  nested: {
    Model: message({
      irVersion: ['int64', 1],
      producerName: ['string', 2],
      graph: ['Graph', 7],
      opsetImport: ['OperatorSet', 8, 'repeated'],
      metadataProps: ['Entry', 14, 'repeated'],
    }),
    OperatorSet: message({ version: ['int64', 2] }),
    Entry: message({ key: ['string', 1], value: ['string', 2] }),
    Graph: message({
      node: ['Node', 1, 'repeated'],
      name: ['string', 2],
      initializer: ['Tensor', 5, 'repeated'],
      input: ['ValueInfo', 11, 'repeated'],
      output: ['ValueInfo', 12, 'repeated'],
    }),
    Node: message({
      input: ['string', 1, 'repeated'],
      output: ['string', 2, 'repeated'],
      name: ['string', 3],
      opType: ['string', 4],
      attribute: ['Attribute', 5, 'repeated'],
    }),
    Attribute: message({
      name: ['string', 1],
      f: ['float', 2],
      i: ['int64', 3],
      s: ['bytes', 4],
      ints: ['int64', 8, 'repeated'],
      type: ['int32', 20],
    }),
    Tensor: message({
      dims: ['int64', 1, 'repeated'],
      dataType: ['int32', 2],
      name: ['string', 8],
      rawData: ['bytes', 9],
    }),
    ValueInfo: message({ name: ['string', 1], type: ['Type', 2] }),
    Type: message({ tensorType: ['TensorType', 1] }),
    TensorType: message({ elemType: ['int32', 1], shape: ['Shape', 2] }),
    Shape: message({ dim: ['Dimension', 1, 'repeated'] }),
    Dimension: message({ dimValue: ['int64', 1], dimParam: ['string', 2] }, ['dimValue', 'dimParam']),
  },
});

/** Types of a tensor's values, by ONNX's numbers. */
export const DATA_TYPE = { float32: 1, uint8: 2, int64: 7 } as const;
export type DataType = keyof typeof DATA_TYPE;

/** Types of an attribute's value, by ONNX's numbers. */
export const ATTRIBUTE_TYPE = { f: 1, i: 2, s: 3, ints: 7 } as const;

export interface OnnxAttribute {
  name: string;
  type: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  ints?: readonly number[];
}

export interface OnnxNode {
  name: string;
  opType: string;
  input: readonly string[];
  output: readonly string[];
  attribute: OnnxAttribute[];
}

export interface OnnxTensor {
  name: string;
  dataType: number;
  dims: readonly number[];
  /** Little-endian values, row major. */
  rawData: Uint8Array;
}

/** What goes in or comes out; a dimension is a size, or a name where any size does. */
export interface OnnxValue {
  name: string;
  type: { tensorType: { elemType: number; shape: { dim: { dimValue?: number; dimParam?: string }[] } } };
}

export interface OnnxModel {
  irVersion: number;
  producerName: string;
  opsetImport: { version: number }[];
  metadataProps: { key: string; value: string }[];
  graph: {
    name: string;
    node: OnnxNode[];
    initializer: OnnxTensor[];
    input: OnnxValue[];
    output: OnnxValue[];
  };
}

const Model = schema.lookupType('Model');

export const encodeOnnx = (model: OnnxModel): Uint8Array => Model.encode(Model.fromObject(model)).finish();

/** Reads what encodeOnnx has written. */
export const decodeOnnx = (bytes: Uint8Array): OnnxModel =>
  Model.toObject(Model.decode(bytes), { longs: Number, arrays: true }) as OnnxModel;
