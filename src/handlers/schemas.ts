/** What /v1 and the health checks answer, as schemas: the OpenAPI document is made of them, and tests hold answers to them. */
import { z } from 'zod';
import { BACKEND_NAMES } from '../model/backends/index.js';
import { LABELS } from '../model/labels.js';
import type { Recognition } from '../model/recognizer.js';
import { ERROR_CODES, type ErrorBody } from './errors.js';
import type { FrameAnswer } from './routes/expressions/stream.js';

const ratio = (what: string) =>
  z.number().describe(`${what}, a ratio of the upright image; may lie beyond 0 to 1`);
const milliseconds = z.number().min(0);
const label = z.enum(LABELS);
const box = z.strictObject({
  x: ratio('Left edge'),
  y: ratio('Upper edge'),
  width: ratio('Width'),
  height: ratio('Height'),
});

const saliency = z.strictObject({
  label,
  image: z
    .string()
    .describe(
      'data: URL of a PNG (RGBA, grey), white where the face speaks most for the label, black where least',
    ),
  crop: box.describe("The square that the map lies over, to be turned about its middle by the face's roll"),
});

const expressions = z.array(z.strictObject({ label, score: z.number().min(0).max(1) }));

const face = z.strictObject({
  box: box.describe('About from the forehead to the chin'),
  confidence: z.number().min(0).max(1).describe('How sure the detector is that this is a face'),
  roll: z.number().min(-180).max(180).describe('Degrees; positive is turned clockwise'),
  expressions: expressions.length(LABELS.length).describe('All labels, best first; the scores sum to 1'),
  saliency: z.exactOptional(saliency.describe('Only where it is asked for')),
});

export const recognition = z.strictObject({
  image: z.strictObject({ width: z.int().min(1), height: z.int().min(1) }).describe('Pixels, upright'),
  faces: z.array(face).describe('Surest first; empty where no face is found'),
  model: z.strictObject({ name: z.string(), version: z.string() }),
  backend: z.enum(BACKEND_NAMES).describe('What computed'),
  timing: z.strictObject({
    decodeMs: milliseconds,
    detectMs: milliseconds,
    inferMs: milliseconds,
    totalMs: milliseconds,
  }),
}) satisfies z.ZodType<Recognition>;

export const errorBody = z.strictObject({
  error: z.strictObject({
    code: z.enum(ERROR_CODES),
    message: z.string().describe('For people'),
    requestId: z.string().describe('Also the header X-Request-Id'),
    details: z.exactOptional(z.record(z.string(), z.unknown()).describe('Facts a program may act on')),
  }),
}) satisfies z.ZodType<ErrorBody>;

export const batch = z.strictObject({
  results: z.array(z.union([recognition, errorBody])).describe('One a picture, in order'),
});

const frameNumber = z.int().min(0).describe('From 0');
const trackedFace = face.extend({
  track: z.int().min(1).describe('The same for the same face, as far as places tell from frame to frame'),
});

export const frame = z.union([
  recognition.extend({ frame: frameNumber, faces: z.array(trackedFace) }),
  errorBody.extend({
    frame: frameNumber,
    final: z.exactOptional(
      z
        .literal(true)
        .describe(
          'The server ends the stream: this frame, which may not have come, and later ones have no answer',
        ),
    ),
  }),
]) satisfies z.ZodType<FrameAnswer>;

export const classification = expressions.max(LABELS.length);
