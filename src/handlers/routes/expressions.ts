import { type Context, Hono } from 'hono';
import type { Recognition, Recognizer } from '../../model/recognizer.js';
import type { AppEnv } from '../env.js';
import type { ErrorBody } from '../errors.js';
import { imageFromBody, imagesFromBody } from '../input.js';
import { refusal } from '../middleware/errors.js';
import { type BodyLimits, limitedBody } from '../middleware/limited-body.js';
import { expressionsQuery, readQuery } from './expressions/query.js';
import { recognizeFrames } from './expressions/stream.js';

/**
 * `POST /v1/expressions`: a photo in, a `Recognition` out. `/v1/expressions/batch`: several photos, each with a result or
 * an error of its own, in order. `/v1/expressions/stream`: the frames of a video, as they come.
 */
export function expressions(recognizer: Pick<Recognizer, 'recognize'>, limits: BodyLimits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const body = limitedBody(limits);
  routes.post('/v1/expressions', body, (c) => recognizePhoto(c, recognizer));
  routes.post('/v1/expressions/batch', body, (c) => recognizePhotos(c, recognizer));
  routes.post('/v1/expressions/stream', (c) => recognizeFrames(c, recognizer, limits));
  return routes;
}

/** Answers the photo that is in the body. */
export async function recognizePhoto(
  c: Context<AppEnv>,
  recognizer: Pick<Recognizer, 'recognize'>,
): Promise<Response> {
  const options = readQuery(c.req, expressionsQuery);
  const image = imageFromBody(c.req.header('content-type'), c.get('body'));
  const { signal } = c.req.raw;
  return c.json(await recognizer.recognize(image, { ...options, signal }));
}

/** One after the other, so that one decoded photo is in memory and others' requests have their turns between. */
async function recognizePhotos(
  c: Context<AppEnv>,
  recognizer: Pick<Recognizer, 'recognize'>,
): Promise<Response> {
  const options = readQuery(c.req, expressionsQuery);
  const { signal } = c.req.raw;
  const results: (Recognition | ErrorBody)[] = [];
  for (const source of imagesFromBody(c.req.header('content-type'), c.get('body'))) {
    signal.throwIfAborted();
    try {
      results.push(await recognizer.recognize(source(), { ...options, signal }));
    } catch (error) {
      signal.throwIfAborted();
      results.push(refusal(c, error).body);
    }
  }
  return c.json({ results });
}
