/** Health, and the Open Inference Protocol, in the OpenAPI document. */
import { HEADER_LENGTH } from '../routes/inference/tensors.js';
import { binary, type Json, json, KEYED, ok, REFUSED, refusals } from './parts.js';

const model = { name: 'model', in: 'path', required: true, schema: { type: 'string', const: 'mien' } };

export const inferencePaths: Record<string, Json> = {
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
