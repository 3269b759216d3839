import { PbfWriter } from 'pbf';

/** TensorFlow's numbers of the types that a graph here has (tensorflow/core/framework/types.proto). */
export const FLOAT = 1;
export const INT32 = 3;
export type DataType = typeof FLOAT | typeof INT32;

/** One attribute of a node; which kind it is decides the field of its message. */
export type Attribute =
  | { text: string }
  | { truth: boolean }
  | { number: number }
  | { numbers: number[] }
  | { type: DataType }
  | { shape: number[] }
  | { tensor: Float32Array | Int32Array; shape: number[] };

export interface GraphNode {
  name: string;
  /** TensorFlow's name of the operation. */
  op: string;
  /** Names of nodes, with `:1`, `:2` … for outputs beyond the first. */
  inputs: string[];
  attributes: Record<string, Attribute>;
}

/** TensorFlow 2.9's version of graphs: what reads it fills in attributes that came later. */
const PRODUCER = 1087;

/** What SavedModel's readers look its graph up by. */
export const TAG = 'serve';

/**
 * A graph as TensorFlow's SavedModel, the bytes of `saved_model.pb`. The fields' numbers are those of saved_model.proto,
 * meta_graph.proto, graph.proto, node_def.proto, attr_value.proto, tensor.proto and tensor_shape.proto.
 */
export function encodeSavedModel(nodes: GraphNode[]): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, 1); // version of SavedModel
  pbf.writeMessage(2, writeMetaGraph, nodes);
  return pbf.finish();
}

function writeMetaGraph(nodes: GraphNode[], pbf: PbfWriter): void {
  pbf.writeMessage(1, (tag: string, info: PbfWriter) => info.writeStringField(4, tag), TAG);
  pbf.writeMessage(2, writeGraph, nodes);
}

function writeGraph(nodes: GraphNode[], pbf: PbfWriter): void {
  for (const node of nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeMessage(
    4,
    (producer: number, versions: PbfWriter) => versions.writeVarintField(1, producer),
    PRODUCER,
  );
}

function writeNode({ name, op, inputs, attributes }: GraphNode, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeStringField(2, op);
  for (const input of inputs) pbf.writeStringField(3, input);
  for (const entry of Object.entries(attributes)) pbf.writeMessage(5, writeEntry, entry);
}

function writeEntry([name, attribute]: [string, Attribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeMessage(2, writeAttribute, attribute);
}

function writeAttribute(attribute: Attribute, pbf: PbfWriter): void {
  if ('tensor' in attribute) pbf.writeMessage(8, writeTensor, attribute);
  else if ('text' in attribute) pbf.writeStringField(2, attribute.text);
  else if ('truth' in attribute) pbf.writeBooleanField(5, attribute.truth);
  else if ('number' in attribute) pbf.writeVarintField(3, attribute.number);
  else if ('type' in attribute) pbf.writeVarintField(6, attribute.type);
  else if ('shape' in attribute) pbf.writeMessage(7, writeShape, attribute.shape);
  else {
    const write = (numbers: number[], list: PbfWriter) => list.writePackedVarint(3, numbers);
    pbf.writeMessage(1, write, attribute.numbers);
  }
}

function writeTensor(
  { tensor, shape }: { tensor: Float32Array | Int32Array; shape: number[] },
  pbf: PbfWriter,
): void {
  pbf.writeVarintField(1, tensor instanceof Float32Array ? FLOAT : INT32);
  pbf.writeMessage(2, writeShape, shape);
  // Little-endian, as every machine is that libtensorflow runs on.
  pbf.writeBytesField(4, new Uint8Array(tensor.buffer, tensor.byteOffset, tensor.byteLength));
}

function writeShape(shape: number[], pbf: PbfWriter): void {
  for (const size of shape)
    pbf.writeMessage(2, (value: number, dimension: PbfWriter) => dimension.writeVarintField(1, value), size);
}
