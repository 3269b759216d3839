/** The OpenAPI 3.1 document, made of the schemas that check what comes in. Written to dist/assets by the build. */
import { z } from 'zod';
import { VERSION } from '../version.js';
import { type ApiErrorCode, statusOf } from './errors.js';
import { jsonBatch, jsonBody } from './input.js';
import { expressionsQuery, streamQuery } from './routes/expressions/query.js';
import { imageClassification } from './routes/huggingface.js';
import {
  inferError,
  inferRequest,
  inferResponse,
  modelMetadata,
  serverMetadata,
} from './routes/inference/schema.js';
import { HEADER_LENGTH } from './routes/inference/tensors.js';
import { batch, classification, errorBody, frame, recognition } from './schemas.js';

type Json = Record<string, unknown>;

const SCHEMAS = {
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
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

const json = (name: SchemaName): Json => ({
  'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
});
const ok = (description: string, content: Json): Json => ({ 200: { description, content } });
const binary = { schema: { type: 'string', format: 'binary' } };

/** Answers for these codes, those of one status together. */
function refusals(codes: ApiErrorCode[], schema: SchemaName = 'Error'): Json {
  const answers: Record<number, { description: string; content: Json }> = {};
  for (const code of codes) {
    const status = statusOf(code);
    const description = answers[status] ? `${answers[status].description}, \`${code}\`` : `\`${code}\``;
    answers[status] = { description, content: json(schema) };
  }
  return answers;
}

function parameters(query: z.ZodObject): Json[] {
  const { properties } = jsonSchema(query, 'input') as { properties: Record<string, Json> };
  // What a query holds is text until it is read; the document says what it has to be.
  const { properties: read } = jsonSchema(query, 'output') as { properties: Record<string, Json> };
  return Object.keys(properties).map((name) => {
    const { description, ...schema } = read[name] as Json;
    return { name, in: 'query', description, schema };
  });
}

/** Refusals of whatever asks for a key. */
const KEYED: ApiErrorCode[] = ['unauthorized', 'rate_limited', 'internal', 'overloaded'];

/** Refusals of whatever takes a body and computes. */
const REFUSED: ApiErrorCode[] = ['invalid_request', 'request_timeout', 'body_too_large', ...KEYED];

/** Refusals of a picture. */
const PICTURE_REFUSED: ApiErrorCode[] = [
  'empty_input',
  'invalid_image',
  'image_too_large',
  'unsupported_media_type',
  'backend_unavailable',
  'queue_full',
  'deadline_exceeded',
];

const model = { name: 'model', in: 'path', required: true, schema: { type: 'string', const: 'mien' } };

const paths: Record<string, Json> = {
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
        ...refusals(['invalid_request', ...KEYED]),
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
  '/healthz': {
    get: {
      operationId: 'healthz',
      summary: 'The process answers',
      responses: ok('It does', { 'application/json': { schema: { const: { status: 'ok' } } } }),
    },
  },
  '/readyz': {
    get: {
      operationId: 'readyz',
      summary: 'The model has warmed up, and photos may be sent',
      responses: {
        ...ok('It is ready', { 'application/json': { schema: { const: { status: 'ready' } } } }),
        ...refusals(['not_ready']),
      },
    },
  },
  '/v2': {
    get: {
      operationId: 'serverMetadata',
      summary: 'Open Inference Protocol: the server',
      responses: {
        ...ok('Its name, version and extensions', json('ServerMetadata')),
        ...refusals(KEYED, 'InferError'),
      },
    },
  },
  '/v2/health/live': {
    get: {
      operationId: 'live',
      summary: 'Open Inference Protocol: the process answers',
      responses: ok('It does', { 'application/json': { schema: { const: { live: true } } } }),
    },
  },
  '/v2/health/ready': {
    get: {
      operationId: 'ready',
      summary: 'Open Inference Protocol: the model has warmed up',
      responses: {
        ...ok('It has', { 'application/json': { schema: { const: { ready: true } } } }),
        ...refusals(['not_ready'], 'InferError'),
      },
    },
  },
  '/v2/models/{model}/ready': {
    get: {
      operationId: 'modelReady',
      summary: 'Open Inference Protocol: this model has warmed up',
      parameters: [model],
      responses: {
        ...ok('It has', { 'application/json': { schema: { const: { name: 'mien', ready: true } } } }),
        ...refusals(['not_found', 'not_ready', ...KEYED], 'InferError'),
      },
    },
  },
  '/v2/models/{model}': {
    get: {
      operationId: 'modelMetadata',
      summary: 'Open Inference Protocol: the model',
      parameters: [model],
      responses: {
        ...ok('Its inputs and outputs', json('ModelMetadata')),
        ...refusals(['not_found', 'backend_unavailable', ...KEYED], 'InferError'),
      },
    },
  },
  '/v2/models/{model}/infer': {
    post: {
      operationId: 'infer',
      summary: 'Open Inference Protocol: crops in, scores out',
      parameters: [
        model,
        {
          name: HEADER_LENGTH,
          in: 'header',
          description: "Bytes of the body's JSON, where tensors follow it as bytes; answered in the same way",
          schema: { type: 'integer', minimum: 0 },
        },
      ],
      requestBody: {
        required: true,
        content: { ...json('InferRequest'), 'application/octet-stream': binary },
      },
      responses: {
        ...ok('A row of seven probabilities a crop', {
          ...json('InferResponse'),
          'application/octet-stream': binary,
        }),
        ...refusals(
          [...REFUSED, 'not_found', 'backend_unavailable', 'queue_full', 'deadline_exceeded'],
          'InferError',
        ),
      },
    },
  },
};

/** The document, ready for JSON. */
export function openApi(): Json {
  const schemas = Object.entries(SCHEMAS).map(([name, schema]) => [
    name,
    jsonSchema(schema, name === 'InferRequest' ? 'input' : 'output'),
  ]);
  return {
    openapi: '3.1.0',
    info: {
      title: 'mien',
      version: VERSION,
      description:
        'Facial expressions: seven scores for each face of a photo. An expression is an appearance, not a feeling. ' +
        'What is below `/v2/models/{model}` is also below `/v2/models/{model}/versions/{version}`. On Node there are ' +
        'also `/metrics`, for Prometheus, and `/ping` and `/invocations`, for SageMaker.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths,
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, where the server asks for one' },
        header: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The same' },
      },
    },
    security: [{ bearer: [] }, { header: [] }, {}],
  };
}
