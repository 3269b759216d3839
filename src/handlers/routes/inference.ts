import { type Context, Hono } from 'hono';
import { LABELS } from '../../model/labels.js';
import type { Recognizer } from '../../model/recognizer.js';
import { VERSION } from '../../version.js';
import type { AppEnv } from '../env.js';
import { ApiError } from '../errors.js';
import { type BodyLimits, limitedBody } from '../middleware/limited-body.js';
import { whenReady } from './health.js';
import { INPUT, type InferResponse, MAX_CROPS, MODEL_NAME, OUTPUT } from './inference/schema.js';
import { binaryResponse, HEADER_LENGTH, readInferRequest, wantsBinary } from './inference/tensors.js';

type Served = Pick<Recognizer, 'classify' | 'describe'>;

const MODEL_PATHS = ['/v2/models/:model', '/v2/models/:model/versions/:version'];

/**
 * The Open Inference Protocol (KServe v2): `/v2`, `/v2/health/{live,ready}`, and below `/v2/models/mien`, with or
 * without `/versions/V`: metadata, `ready`, `infer`. Crops in, scores out.
 */
export function inference(recognizer: Served, ready: () => boolean, limits: BodyLimits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get('/v2', (c) =>
    c.json({ name: MODEL_NAME, version: VERSION, extensions: ['binary_tensor_data'] }),
  );
  routes.get('/v2/health/live', (c) => c.json({ live: true }));
  routes.get('/v2/health/ready', (c) => {
    whenReady(ready);
    return c.json({ ready: true });
  });

  for (const path of MODEL_PATHS) {
    routes.get(`${path}/ready`, async (c) => {
      const name = c.req.param('model');
      whenNamed(name);
      whenReady(ready);
      await versionAsked(c, recognizer);
      return c.json({ name, ready: true });
    });
    routes.get(path, async (c) => {
      whenNamed(c.req.param('model'));
      const { model, backend } = await versionAsked(c, recognizer);
      return c.json({
        name: MODEL_NAME,
        versions: [model.version],
        platform: `tensorflowjs_${backend}`,
        inputs: [INPUT],
        outputs: [OUTPUT],
        parameters: { labels: LABELS.join(','), model: model.name, max_crops: MAX_CROPS },
      });
    });
    routes.post(`${path}/infer`, limitedBody(limits), async (c) => {
      whenNamed(c.req.param('model'));
      return infer(c, recognizer);
    });
  }
  return routes;
}

/** Answers the inference request that is in the body. */
export async function infer(c: Context<AppEnv>, recognizer: Served): Promise<Response> {
  const { model, ...described } = await versionAsked(c, recognizer);
  const { request, crops } = readInferRequest(c.get('body'), c.req.header(HEADER_LENGTH));
  let { backend } = described;
  const scores = await recognizer.classify(crops, {
    signal: c.req.raw.signal,
    computedBy: (name) => {
      backend = name;
    },
  });
  const count = scores.length / LABELS.length;
  const response: InferResponse = {
    model_name: MODEL_NAME,
    model_version: model.version,
    ...(request.id !== undefined && { id: request.id }),
    parameters: { backend },
    outputs: [
      {
        name: OUTPUT.name,
        datatype: OUTPUT.datatype,
        shape: [count, LABELS.length],
        data: Array.from(scores),
      },
    ],
  };
  if (!wantsBinary(request)) return c.json(response);
  const { body, jsonLength } = binaryResponse(response, scores);
  return c.body(body, 200, { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: `${jsonLength}` });
}

function whenNamed(name: string | undefined): void {
  if (name !== MODEL_NAME) {
    throw new ApiError('not_found', `There is no model "${name}", only "${MODEL_NAME}".`);
  }
}

/** What is served, where the path asks for no other version of it. */
async function versionAsked(c: Context<AppEnv>, recognizer: Served) {
  const description = await recognizer.describe();
  const asked = c.req.param('version');
  if (asked !== undefined && asked !== description.model.version) {
    throw new ApiError('not_found', `There is no version "${asked}", only "${description.model.version}".`);
  }
  return description;
}
