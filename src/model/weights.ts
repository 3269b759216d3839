import type { Architecture } from './architecture.js';
import { MienError } from './errors.js';
import { parameterShapes } from './parameters.js';

/** A named float32 array in PyTorch's layout (row major; convolutions OIHW, transposed convolutions IOHW). */
export interface Weight {
  shape: readonly number[];
  data: Float32Array;
}
export type Weights = Map<string, Weight>;

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** Length of the header's length, a little-endian u64. */
const PREFIX = 8;
/** The format's own limit on its header. */
const MAX_HEADER = 100_000_000;

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const refuse = (what: string, cause?: unknown) =>
  new MienError('invalid_weights', `not valid weights: ${what}`, { cause });

/** Encodes weights as safetensors, float32, in the map's order, with optional text metadata. */
export function encodeSafetensors(weights: Weights, metadata: Record<string, string> = {}): Uint8Array {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let end = 0;
  for (const [name, { shape, data }] of weights) {
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  // Padded with spaces, as the format asks, so that the data starts at a multiple of eight.
  const text = JSON.stringify(header);
  const json = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const bytes = new Uint8Array(PREFIX + json.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, PREFIX);
  let at = PREFIX + json.length;
  for (const { data } of weights.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

function readHeader(bytes: Uint8Array): { entries: Record<string, Entry>; start: number } {
  if (bytes.length < PREFIX) throw refuse('shorter than a safetensors header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER || PREFIX + length > bytes.length) throw refuse('its header is cut off');
  try {
    const { __metadata__: _, ...entries } = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(PREFIX, PREFIX + length)),
    );
    return { entries, start: PREFIX + length };
  } catch (cause) {
    throw refuse('its header is not JSON', cause);
  }
}

function readEntry(bytes: Uint8Array, start: number, name: string, entry: Entry): Weight {
  const { dtype, shape, data_offsets: [from, to] = [-1, -1] } = entry;
  if (dtype !== 'F32') throw refuse(`${name} is ${dtype}, not F32`);
  const sizes = [from, to, ...(Array.isArray(shape) ? shape : [-1])];
  if (sizes.some((size) => !Number.isInteger(size) || size < 0) || to - from !== 4 * product(shape))
    throw refuse(`${name} has a shape that its bytes do not fill`);
  if (start + to > bytes.length) throw refuse(`${name} is cut off`);
  // Copied, because a typed array wants an aligned start and the file must not be kept alive.
  const data = new Float32Array(new Uint8Array(bytes.subarray(start + from, start + to)).buffer);
  if (data.some((value) => !Number.isFinite(value))) throw refuse(`${name} holds a value that is not finite`);
  return { shape, data };
}

/**
 * Decodes a safetensors file of float32 tensors.
 * @throws {MienError} `invalid_weights` if it is cut off, inconsistent, or holds NaN or infinity.
 */
export function decodeSafetensors(bytes: Uint8Array): Weights {
  const { entries, start } = readHeader(bytes);
  return new Map(
    Object.entries(entries).map(([name, entry]) => [name, readEntry(bytes, start, name, entry)]),
  );
}

/**
 * Checks that weights are those of an architecture: no tensor more, none less, each of its shape.
 * @throws {MienError} `invalid_weights`, naming the first that is not.
 */
export function checkWeights(weights: Weights, arch: Architecture): void {
  const shapes = parameterShapes(arch);
  for (const [name, shape] of shapes) {
    const found = weights.get(name)?.shape;
    if (found?.join() !== shape.join())
      throw refuse(`${name} is ${found ? `[${found}]` : 'missing'}, the architecture wants [${shape}]`);
  }
  for (const name of weights.keys()) if (!shapes.has(name)) throw refuse(`the architecture has no ${name}`);
}
