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
const SPACE = 0x20;
/** The format's own limit on its header. */
const MAX_HEADER = 100_000_000;

/** After a kernel's name: what its integers are multiplied by. */
const SCALE = '.scale';
/** The integer of the largest magnitude. */
const LARGEST = 127;
/** Kernels of fewer values stay float32: they are few, and rounding them costs most. */
const ROUNDED_FROM = 4000;

const DTYPES: Record<string, { bytes: number; read: (buffer: ArrayBuffer) => Float32Array }> = {
  F32: { bytes: 4, read: (buffer) => new Float32Array(buffer) },
  I8: { bytes: 1, read: (buffer) => new Float32Array(new Int8Array(buffer)) },
};

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const refuse = (what: string, cause?: unknown) =>
  new MienError('invalid_weights', `not valid weights: ${what}`, { cause });

type Part = [name: string, dtype: 'F32' | 'I8', shape: readonly number[], data: Float32Array | Int8Array];

function encode(parts: Part[], metadata: Record<string, string> = {}): Uint8Array {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let end = 0;
  for (const [name, dtype, shape, data] of parts) {
    header[name] = { dtype, shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  // Padded with spaces, as the format asks, so that the data starts at a multiple of eight.
  const json = new TextEncoder().encode(JSON.stringify(header));
  const start = Math.ceil((PREFIX + json.length) / 8) * 8;
  const bytes = new Uint8Array(start + end).fill(SPACE, 0, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - PREFIX), true);
  bytes.set(json, PREFIX);
  let at = start;
  for (const [, , , data] of parts) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** Encodes weights as safetensors, float32, in the map's order, with optional text metadata. */
export function encodeSafetensors(weights: Weights, metadata: Record<string, string> = {}): Uint8Array {
  return encode(
    [...weights].map(([name, { shape, data }]) => [name, 'F32', shape, data]),
    metadata,
  );
}

/**
 * Encodes weights to be published: hardly less exact at 0.3 of the size. Kernels of convolutions from 4000 values on are
 * int8, to be multiplied by float32 [shape[0]] under their name with `.scale` after it; all the rest is float32.
 */
export function encodeCompactSafetensors(weights: Weights): Uint8Array {
  const exact: Part[] = [];
  const rounded: Part[] = [];
  for (const [name, { shape, data }] of weights) {
    if (shape.length !== 4 || data.length < ROUNDED_FROM) {
      exact.push([name, 'F32', shape, data]);
      continue;
    }
    const { scales, integers } = quantise(data, shape[0] as number);
    exact.push([`${name}${SCALE}`, 'F32', [scales.length], scales]);
    rounded.push([name, 'I8', shape, integers]);
  }
  // The larger type first, so that every tensor is aligned.
  return encode([...exact, ...rounded]);
}

/** Every row to the nearest of 255 steps, the outermost at its largest magnitude. */
function quantise(data: Float32Array, rows: number): { scales: Float32Array; integers: Int8Array } {
  const length = data.length / rows;
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++)
    for (const value of data.subarray(row * length, (row + 1) * length))
      scales[row] = Math.max(scales[row] as number, Math.abs(value) / LARGEST);
  const integers = Int8Array.from(data, (value, i) => {
    // A row of zeros has the scale 0.
    const steps = value / (scales[Math.floor(i / length)] || 1);
    return Math.max(-LARGEST, Math.min(LARGEST, Math.round(steps)));
  });
  return { scales, integers };
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

/** Any value that is not finite makes the sum of their zeros NaN. */
function allFinite(data: Float32Array): boolean {
  let zero = 0;
  for (let i = 0; i < data.length; i++) zero += (data[i] as number) * 0;
  return zero === 0;
}

/** @throws {MienError} `invalid_weights` where data, which is called `name`, holds NaN or infinity */
export function checkFinite(name: string, data: Float32Array): void {
  if (!allFinite(data)) throw refuse(`${name} holds a value that is not finite`);
}

function readEntry(bytes: Uint8Array, start: number, name: string, entry: Entry): Weight {
  const { dtype, shape, data_offsets } = entry ?? ({} as Entry);
  const [from, to] = Array.isArray(data_offsets) ? data_offsets : [-1, -1];
  const type = DTYPES[dtype];
  if (!type) throw refuse(`${name} is ${dtype}, not one of ${Object.keys(DTYPES).join(', ')}`);
  const sizes = [from, to, ...(Array.isArray(shape) ? shape : [-1])];
  if (sizes.some((size) => !Number.isInteger(size) || size < 0) || to - from !== type.bytes * product(shape))
    throw refuse(`${name} has a shape that its bytes do not fill`);
  if (start + to > bytes.length) throw refuse(`${name} is cut off`);
  // Copied, because a typed array wants an aligned start and the file must not be kept alive.
  const data = type.read(new Uint8Array(bytes.subarray(start + from, start + to)).buffer);
  checkFinite(name, data);
  return { shape, data };
}

/** Integers times their row's scale, in float32: one product exactly rounded, the same in every runtime. */
function expand(name: string, { shape, data }: Weight, scale: Weight | undefined): Weight {
  const [rows = 0] = shape;
  if (scale?.shape.join() !== `${rows}`)
    throw refuse(`${name} is I8 and has no ${name}${SCALE} of [${rows}]`);
  const length = data.length / rows;
  const expanded = new Float32Array(data.length);
  for (let row = 0, at = 0; row < rows; row++) {
    const factor = scale.data[row] as number;
    for (const end = at + length; at < end; at++) expanded[at] = (data[at] as number) * factor;
  }
  checkFinite(name, expanded);
  return { shape, data: expanded };
}

/** The format has no holes: each tensor begins where the one before ends, and the last ends the file. */
function checkPlaces(entries: Record<string, Entry>, length: number): void {
  const places = Object.entries(entries)
    .map(([name, { data_offsets }]) => [name, ...data_offsets] as const)
    .sort(([, from, to], [, otherFrom, otherTo]) => from - otherFrom || to - otherTo);
  let end = 0;
  for (const [name, from, to] of places) {
    if (from !== end) throw refuse(`${name} does not begin where the tensor before it ends`);
    end = to;
  }
  if (end !== length) throw refuse(`its tensors have ${end} bytes, and there are ${length}`);
}

/**
 * Decodes a safetensors file of float32 tensors and, as `encodeCompactSafetensors` writes them, int8 ones.
 * @throws {MienError} `invalid_weights` if it is cut off, inconsistent, or holds NaN or infinity.
 */
export function decodeSafetensors(bytes: Uint8Array): Weights {
  const { entries, start } = readHeader(bytes);
  const read = new Map(
    Object.entries(entries).map(([name, entry]) => [name, readEntry(bytes, start, name, entry)]),
  );
  checkPlaces(entries, bytes.length - start);
  const isScale = (name: string) =>
    name.endsWith(SCALE) && entries[name.slice(0, -SCALE.length)]?.dtype === 'I8';
  const weights: Weights = new Map();
  for (const [name, weight] of read) {
    if (entries[name]?.dtype === 'I8') weights.set(name, expand(name, weight, read.get(name + SCALE)));
    else if (!isScale(name)) weights.set(name, weight);
  }
  return weights;
}

/**
 * Checks that weights are those of an architecture: no tensor more, none less, each of its shape, no variance below 0.
 * @throws {MienError} `invalid_weights`, naming the first that is not.
 */
export function checkWeights(weights: Weights, arch: Architecture): void {
  const shapes = parameterShapes(arch);
  for (const [name, shape] of shapes) {
    const found = weights.get(name);
    if (found?.shape.join() !== shape.join())
      throw refuse(`${name} is ${found ? `[${found.shape}]` : 'missing'}, the architecture wants [${shape}]`);
    if (name.endsWith('.running_var') && found.data.some((variance) => variance < 0))
      throw refuse(`${name} holds a variance below 0`);
  }
  for (const name of weights.keys()) if (!shapes.has(name)) throw refuse(`the architecture has no ${name}`);
}
