import type { HonoRequest } from 'hono';
import { z } from 'zod';
import { LABELS } from '../../../model/labels.js';
import { validated } from '../../input.js';
import { wholeNumber } from '../../whole-number.js';

/** The query of everything that takes a photo. */
export const expressionsQuery = z.strictObject({
  maxFaces: wholeNumber(1, 100).exactOptional().describe('Most faces answered, surest first; 100 by default'),
  minFaceSize: wholeNumber(16, 10_000)
    .exactOptional()
    .describe(
      'Smallest face answered, in pixels of the box; the smaller, the longer it takes. By default faces from 40 pixels ' +
        'on are found in pictures of up to 1920 pixels, from a 48th of the longer side on in larger ones. Smaller ones are ' +
        'found where 500 looks suffice for them: of 16 pixels in 12 megapixels, of 32 in 48',
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

/** The query of a stream. */
export const streamQuery = expressionsQuery.extend({
  smoothing: z
    .string()
    .regex(/^(\d+\.?\d*|\.\d+)$/, 'must be a number')
    .transform(Number)
    .pipe(z.number().min(0).max(0.99))
    .exactOptional()
    .describe(
      'Weight of what was before in the scores of a tracked face: `smoothing` times the score last answered and the rest ' +
        "times this frame's; 0 by default",
    ),
});

const once = z.record(z.string(), z.tuple([z.string()], 'must be given once'));

/**
 * Reads a request's query.
 * @throws ApiError `invalid_request`, also where a parameter is given twice: either may be what is meant
 */
export function readQuery<T extends z.ZodType>(request: HonoRequest, schema: T): z.output<T> {
  const read = validated(schema, request.query(), 'The query'); // of what is given twice, the first
  validated(once, request.queries(), 'The query');
  return read;
}
