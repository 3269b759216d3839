import { Hono } from 'hono';
import type { Recognizer } from '../../model/recognizer.js';
import type { AppEnv } from '../env.js';
import { isJson, parseJson } from '../input.js';
import { type BodyLimits, limitedBody } from '../middleware/limited-body.js';
import { recognizePhoto } from './expressions.js';
import { whenReady } from './health.js';
import { HEADER_LENGTH, MOST_VALUES } from './inference/tensors.js';
import { infer } from './inference.js';

/**
 * What SageMaker asks of a container: `GET /ping`, and `POST /invocations` with a photo, as `/v1/expressions` takes
 * it, or with an inference request, as `/v2/models/mien/infer` does. The answers are theirs as well.
 */
export function sageMaker(
  recognizer: Pick<Recognizer, 'recognize' | 'classify' | 'describe'>,
  ready: () => boolean,
  limits: BodyLimits,
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get('/ping', (c) => {
    whenReady(ready);
    return c.json({ status: 'ready' });
  });
  routes.post('/invocations', limitedBody(limits), (c) => {
    const tensors =
      c.req.header(HEADER_LENGTH) !== undefined || hasInputs(c.req.header('content-type'), c.get('body'));
    return tensors ? infer(c, recognizer) : recognizePhoto(c, recognizer);
  });
  return routes;
}

function hasInputs(contentType: string | undefined, body: Uint8Array): boolean {
  if (!isJson(contentType) || body.length === 0) return false;
  const value = parseJson(body, 'The body', MOST_VALUES);
  return typeof value === 'object' && value !== null && 'inputs' in value;
}
