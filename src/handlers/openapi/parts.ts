/** What the OpenAPI document's paths are put together from. */
import { z } from 'zod';
import { type ApiErrorCode, statusOf } from '../errors.js';
import {
  inferError,
  inferRequest,
  inferResponse,
  modelMetadata,
  serverMetadata,
} from '../routes/inference/schema.js';
import { batch, classification, errorBody, frame, recognition } from '../schemas.js';

export type Json = Record<string, unknown>;

/** What answers and requests are made of, by name. */
export const SCHEMAS = {
  Recognition: recognition,
  Batch: batch,
  Frame: frame,
  ImageClassification: classification,
  Error: errorBody,
  InferRequest: inferRequest,
  InferResponse: inferResponse,
  InferError: inferError,
  ServerMetadata: serverMetadata,
  ModelMetadata: modelMetadata,
};
type SchemaName = keyof typeof SCHEMAS;

/** What a client sends is described as it is read, what it gets as it is written. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

export const json = (name: SchemaName): Json => ({
  'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
});
export const ok = (description: string, content: Json): Json => ({ 200: { description, content } });
export const binary = { schema: { type: 'string', format: 'binary' } };

/** Answers for these codes, those of one status together. */
export function refusals(codes: ApiErrorCode[], schema: SchemaName = 'Error'): Json {
  const answers: Record<number, { description: string; content: Json }> = {};
  for (const code of codes) {
    const status = statusOf(code);
    const description = answers[status] ? `${answers[status].description}, \`${code}\`` : `\`${code}\``;
    answers[status] = { description, content: json(schema) };
  }
  return answers;
}

export function parameters(query: z.ZodObject): Json[] {
  const { properties } = jsonSchema(query, 'input') as { properties: Record<string, Json> };
  // What a query holds is text until it is read; the document says what it has to be.
  const { properties: read } = jsonSchema(query, 'output') as { properties: Record<string, Json> };
  return Object.keys(properties).map((name) => {
    const { description, ...schema } = read[name] as Json;
    return { name, in: 'query', description, schema };
  });
}

/** Refusals of whatever asks for a key. */
export const KEYED: ApiErrorCode[] = ['unauthorized', 'rate_limited', 'internal', 'overloaded'];

/** Refusals of whatever takes a body and computes. */
export const REFUSED: ApiErrorCode[] = [
  'invalid_request',
  'request_timeout',
  'body_too_large',
  'unsupported_media_type',
  ...KEYED,
];

/** Refusals of a picture, beside those of its body. */
export const PICTURE_REFUSED: ApiErrorCode[] = [
  'empty_input',
  'invalid_image',
  'image_too_large',
  'backend_unavailable',
  'queue_full',
  'deadline_exceeded',
  'too_much_work',
];
