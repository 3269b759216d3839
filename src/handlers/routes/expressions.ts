import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { LABELS } from '../../model/labels.js';
import type { Recognizer } from '../../model/recognizer.js';
import type { AppEnv } from '../env.js';
import { imageFromBody, validated } from '../input.js';
import { limitedBody } from '../middleware/limited-body.js';

/** The query of everything that takes a photo. */
export const expressionsQuery = z.object({
  maxFaces: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .exactOptional()
    .describe('Most faces answered, surest first; 100 by default'),
  minFaceSize: z.coerce
    .number()
    .int()
    .min(16)
    .max(10_000)
    .exactOptional()
    .describe(
      'Smallest face answered, in pixels of the box; the smaller, the longer it takes. By default faces from 40 pixels ' +
        'on are found in pictures of up to 1920 pixels, from a 48th of the longer side on in larger ones',
    ),
  face: z
    .enum(['auto', 'whole'])
    .exactOptional()
    .describe('whole: the picture already is a face, and is not searched for one; auto by default'),
  saliency: z
    .enum([...LABELS, 'top'])
    .exactOptional()
    .describe("Adds to each face a map of what speaks for this label, or for the face's own best"),
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
  const options = validated(expressionsQuery, c.req.query(), 'The query');
  const image = await imageFromBody(c.req.header('content-type'), c.get('body'));
  const { signal } = c.req.raw;
  return c.json(await recognizer.recognize(image, { ...options, signal }));
}
