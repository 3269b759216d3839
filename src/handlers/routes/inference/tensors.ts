import { CROP_BYTES } from '../../../model/architecture.js';
import { ApiError } from '../../errors.js';
import { parseJson, validated } from '../../input.js';
import { type InferRequest, type InferResponse, inferRequest, MAX_CROPS } from './schema.js';

/** Most values of a request's JSON: those of a tensor, each in a list of its own, and a tenth for what is said beside. */
export const MOST_VALUES = Math.floor(2.2 * MAX_CROPS * CROP_BYTES);

/** Length in bytes of a body's JSON, where tensors follow it as bytes (the binary tensor data extension). */
export const HEADER_LENGTH = 'Inference-Header-Content-Length';

const invalid = (message: string) => new ApiError('invalid_request', message);

/**
 * Reads an inference request, with its tensor in JSON or behind it as bytes.
 *
 * @param jsonLength the header `Inference-Header-Content-Length`, where there is one
 * @returns the request, and uint8 [n, 48, 48]
 * @throws ApiError `invalid_request`
 */
export function readInferRequest(
  body: Uint8Array,
  jsonLength: string | undefined,
): { request: InferRequest; crops: Uint8Array } {
  const length = jsonLength === undefined ? body.length : Number(jsonLength);
  if (!(/^\d+$/.test(jsonLength ?? '0') && length <= body.length)) {
    throw invalid(`${HEADER_LENGTH} is ${jsonLength}, the body has ${body.length} bytes.`);
  }
  const request = validated(
    inferRequest,
    parseJson(body.subarray(0, length), 'The body', MOST_VALUES),
    'The request',
  );
  const [{ shape, data, parameters }] = request.inputs as [InferRequest['inputs'][0]];
  const bytes = body.subarray(length);
  const binarySize = parameters?.binary_data_size ?? 0;
  if (bytes.length !== binarySize) {
    throw invalid(`${binarySize} bytes of tensors are announced and ${bytes.length} follow the JSON.`);
  }
  const size = shape[0] * CROP_BYTES;
  if (data && binarySize) throw invalid('The input has both data and binary_data_size.');
  if (!data) {
    if (binarySize !== size)
      throw invalid(`The shape holds ${size} bytes, binary_data_size is ${binarySize}.`);
    return { request, crops: bytes };
  }
  const crops = new Uint8Array(size);
  // Flat as it lies in memory, or nested as the shape says; the last dimension is 1, so only depth tells.
  const end = Array.isArray(data[0]) ? copyNested(data, shape, 0, crops, 0) : copyFlat(data, crops, 0);
  if (end !== size) throw invalid(`The shape holds ${size} values, data has ${end}.`);
  return { request, crops };
}

/** Copies values, at most as many as there is room for; answers how many there are by then. */
function copyFlat(values: unknown[], to: Uint8Array, at: number): number {
  if (values.length > to.length - at)
    throw invalid(`data has more than the ${to.length} values of its shape.`);
  for (const value of values) {
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 255) {
      throw invalid(`data holds a value at ${at} that is no whole number from 0 to 255.`);
    }
    to[at++] = value as number;
  }
  return at;
}

function copyNested(
  lists: unknown[],
  shape: readonly number[],
  depth: number,
  to: Uint8Array,
  at: number,
): number {
  if (lists.length !== shape[depth]) {
    throw invalid(`data has ${lists.length} entries in dimension ${depth}, its shape ${shape[depth]}.`);
  }
  if (depth === shape.length - 1) return copyFlat(lists, to, at);
  for (const list of lists) {
    if (!Array.isArray(list)) throw invalid(`data is nested less deeply than its shape, at ${at}.`);
    at = copyNested(list, shape, depth + 1, to, at);
  }
  return at;
}

/** Whether the scores are to come as bytes: said of the output itself, or else of all. */
export function wantsBinary({ outputs, parameters }: InferRequest): boolean {
  return outputs?.[0]?.parameters?.binary_data ?? parameters?.binary_data_output ?? false;
}

/** JSON, and behind it the scores as float32, little-endian. */
export function binaryResponse(
  response: InferResponse,
  scores: Float32Array,
): { body: Uint8Array<ArrayBuffer>; jsonLength: number } {
  const outputs = response.outputs.map(({ data, ...output }) => ({
    ...output,
    parameters: { binary_data_size: scores.byteLength },
  }));
  const json = new TextEncoder().encode(JSON.stringify({ ...response, outputs }));
  const body = new Uint8Array(json.length + scores.byteLength);
  body.set(json);
  const view = new DataView(body.buffer, json.length);
  scores.forEach((score, index) => {
    view.setFloat32(index * 4, score, true);
  });
  return { body, jsonLength: json.length };
}
