import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { LABELS } from '../../model/labels.js';
import type { Expression, Recognizer } from '../../model/recognizer.js';
import type { AppEnv } from '../env.js';
import { decodeBase64, isJson, parseJson, validated } from '../input.js';
import { type BodyLimits, limitedBody } from '../middleware/limited-body.js';

/** Hugging Face's request for image classification, as far as it makes sense here. */
export const imageClassification = z.object({
  inputs: z.string().describe('base64 of a photo'),
  parameters: z
    .object({
      top_k: z.int().min(1).max(LABELS.length).nullish().describe('Most labels answered'),
      function_to_apply: z.literal('softmax').nullish(),
    })
    .nullish(),
});

/**
 * `POST /huggingface` speaks Hugging Face's image classification, so that their clients and widgets can be pointed here:
 * a photo, or JSON with it as `inputs`, in; `[{label, score}]`, best first, of the photo's surest face out, empty where there
 * is no face.
 */
export function huggingFace(recognizer: Pick<Recognizer, 'recognize'>, limits: BodyLimits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post('/huggingface', limitedBody(limits), async (c) => {
    const { image, most } = request(c);
    const { faces } = await recognizer.recognize(image, { maxFaces: 1, signal: c.req.raw.signal });
    const expressions: Expression[] = faces[0]?.expressions ?? [];
    return c.json(expressions.slice(0, most));
  });
  return routes;
}

function request(c: Context<AppEnv>): { image: Uint8Array; most: number } {
  const body = c.get('body');
  if (!isJson(c.req.header('content-type'))) return { image: body, most: LABELS.length };
  const { inputs, parameters } = validated(imageClassification, parseJson(body), 'The body');
  return { image: decodeBase64(inputs, 'inputs'), most: parameters?.top_k ?? LABELS.length };
}
