/** What takes pictures, in the OpenAPI document. */
import { jsonBatch, jsonBody } from '../input.js';
import { expressionsQuery, streamQuery } from '../routes/expressions/query.js';
import { imageClassification } from '../routes/huggingface.js';
import {
  binary,
  type Json,
  json,
  jsonSchema,
  KEYED,
  ok,
  PICTURE_REFUSED,
  parameters,
  REFUSED,
  refusals,
} from './parts.js';

export const picturePaths: Record<string, Json> = {
  '/v1/expressions': {
    post: {
      operationId: 'recognize',
      summary: 'Find the faces of a photo and score the expression of each',
      parameters: parameters(expressionsQuery),
      requestBody: {
        required: true,
        description: 'A JPEG, PNG or WebP. What it is is told by its first bytes, not by its type.',
        content: {
          'image/jpeg': binary,
          'image/png': binary,
          'image/webp': binary,
          'application/octet-stream': binary,
          'multipart/form-data': {
            schema: { type: 'object', required: ['image'], properties: { image: binary.schema } },
          },
          'application/json': { schema: jsonSchema(jsonBody, 'input') },
        },
      },
      responses: {
        ...ok('The faces', json('Recognition')),
        ...refusals([...REFUSED, ...PICTURE_REFUSED]),
      },
    },
  },
  '/v1/expressions/batch': {
    post: {
      operationId: 'recognizeBatch',
      summary: 'The same for several photos, each with a result or an error of its own, in order',
      parameters: parameters(expressionsQuery),
      requestBody: {
        required: true,
        description:
          'Up to 32 photos; together they have the size of one request, 10 MiB unless the server is told otherwise',
        content: {
          'multipart/form-data': {
            schema: {
              type: 'object',
              required: ['image'],
              properties: { image: { type: 'array', items: binary.schema, minItems: 1, maxItems: 32 } },
            },
          },
          'application/json': { schema: jsonSchema(jsonBatch, 'input') },
        },
      },
      responses: {
        ...ok('A result or an error for each', json('Batch')),
        ...refusals(REFUSED),
      },
    },
  },
  '/v1/expressions/stream': {
    post: {
      operationId: 'recognizeStream',
      summary: 'The frames of a video as they come, their faces tracked',
      parameters: parameters(streamQuery),
      requestBody: {
        required: true,
        description:
          'A line of JSON a frame, each within the size and the time of a whole request, 10 MiB and 30 s unless the server ' +
          'is told otherwise; it may be sent while answers are read',
        content: { 'application/x-ndjson': { schema: jsonSchema(jsonBody, 'input') } },
      },
      responses: {
        ...ok(
          'A line of JSON a frame, in order; one that failed has an `error`. Where the server ends the stream, since a line ' +
            'is too long or too late or since it stops, the last line is an `error` with `final`: true',
          { 'application/x-ndjson': { schema: { $ref: '#/components/schemas/Frame' } } },
        ),
        ...refusals(['invalid_request', 'unsupported_media_type', ...KEYED]),
      },
    },
  },
  '/huggingface': {
    post: {
      operationId: 'imageClassification',
      summary: "Hugging Face's image classification, of the photo's surest face",
      requestBody: {
        required: true,
        content: {
          'image/*': binary,
          'application/octet-stream': binary,
          'application/json': { schema: jsonSchema(imageClassification, 'input') },
        },
      },
      responses: {
        ...ok(
          'Labels with their scores, best first; empty where there is no face',
          json('ImageClassification'),
        ),
        ...refusals([...REFUSED, ...PICTURE_REFUSED], 'InferError'),
      },
    },
  },
};
