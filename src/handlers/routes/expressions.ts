import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { LABELS } from '../../model/labels.js';
import type { Recognizer } from '../../model/recognizer.js';
import type { AppEnv } from '../env.js';
import { imageFromBody, validated } from '../input.js';
import { limitedBody } from '../middleware/limited-body.js';

const query = z.object({
  /** Most faces answered, surest first. Default 100, the most. */
  maxFaces: z.coerce.number().int().min(1).max(100).optional(),
  /** Whose evidence to map over each face: a label's, or each face's own best. */
  saliency: z.enum([...LABELS, 'top']).optional(),
});

/** `POST /v1/expressions`: a photo in, a `Recognition` out. */
export function expressions(recognizer: Pick<Recognizer, 'recognize'>, maxBodyBytes: number): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post('/v1/expressions', limitedBody(maxBodyBytes), (c) => recognizePhoto(c, recognizer));
  return routes;
}

/** Answers the photo that is in the body. */
export async function recognizePhoto(
  c: Context<AppEnv>,
  recognizer: Pick<Recognizer, 'recognize'>,
): Promise<Response> {
  const { maxFaces, saliency } = validated(query, c.req.query(), 'The query');
  const image = await imageFromBody(c.req.header('content-type'), c.get('body'));
  const { signal } = c.req.raw;
  const options = { signal, ...(maxFaces !== undefined && { maxFaces }), ...(saliency && { saliency }) };
  return c.json(await recognizer.recognize(image, options));
}
