/** The OpenAPI 3.1 document, made of the schemas that check what comes in. Written to dist/assets by the build. */
import { VERSION } from '../version.js';
import { inferencePaths } from './openapi/inference.js';
import { type Json, jsonSchema, SCHEMAS } from './openapi/parts.js';
import { picturePaths } from './openapi/pictures.js';

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
    paths: { ...picturePaths, ...inferencePaths },
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
