import type { Context } from 'hono';
import { stream } from 'hono/streaming';
import type { Recognition, Recognizer } from '../../../model/recognizer.js';
import { createTracker, type TrackedFace } from '../../../model/tracker.js';
import type { AppEnv } from '../../env.js';
import type { ErrorBody } from '../../errors.js';
import { decodeBase64, jsonBody, parseJson, validated } from '../../input.js';
import { refusal } from '../../middleware/errors.js';
import { type BodyLimits, endedEarly, timeLimit, tooLarge } from '../../middleware/limited-body.js';
import { streamQuery } from './query.js';

/** A line of the answer. */
export type FrameAnswer =
  | ({ frame: number; faces: TrackedFace[] } & Omit<Recognition, 'faces'>)
  | ({ frame: number } & ErrorBody);

/**
 * NDJSON in, NDJSON out: a line `{"image": base64}` a frame, and a line an answer, in order, each before the next frame is
 * looked at. A frame that is wrong has an error for its answer; one that is too long, or does not come in time, ends the
 * stream after its error.
 */
export async function recognizeFrames(
  c: Context<AppEnv>,
  recognizer: Pick<Recognizer, 'recognize'>,
  limits: BodyLimits,
): Promise<Response> {
  const { smoothing, ...options } = validated(streamQuery, c.req.query(), 'The query');
  const tracker = createTracker(smoothing === undefined ? {} : { smoothing });
  const { signal } = c.req.raw;

  async function answer(line: Uint8Array, frame: number): Promise<FrameAnswer> {
    try {
      const image = decodeBase64(validated(jsonBody, parseJson(line), 'The line').image);
      const recognition = await recognizer.recognize(image, { ...options, signal });
      return { frame, ...recognition, faces: tracker.update(recognition.faces) };
    } catch (error) {
      return { frame, ...refusal(c, error).body };
    }
  }

  c.header('content-type', 'application/x-ndjson');
  return stream(c, async (out) => {
    let frame = 0;
    try {
      for await (const line of lines(c.req.raw.body, limits)) {
        if (out.aborted || signal.aborted) return;
        await out.write(`${JSON.stringify(await answer(line, frame++))}\n`);
      }
    } catch (error) {
      if (!out.aborted && !signal.aborted)
        await out.write(`${JSON.stringify({ frame, ...refusal(c, error).body })}\n`);
    }
  });
}

/**
 * The lines of a body that are not empty, each within the limits that hold for a whole body elsewhere.
 *
 * @throws ApiError `body_too_large`, `request_timeout`, `invalid_request` where the client stops sending
 */
async function* lines(
  body: ReadableStream<Uint8Array> | null,
  { maxBodyBytes, receiveMs }: BodyLimits,
): AsyncGenerator<Uint8Array> {
  if (!body) return;
  const reader = body.getReader();
  let pieces: Uint8Array[] = [];
  let size = 0;
  const take = (piece: Uint8Array) => {
    size += piece.length;
    if (size > maxBodyBytes) throw tooLarge(maxBodyBytes);
    pieces.push(piece);
  };
  const whole = () => {
    const line = new Uint8Array(size);
    let at = 0;
    for (const piece of pieces) {
      line.set(piece, at);
      at += piece.length;
    }
    [pieces, size] = [[], 0];
    return line;
  };
  let late = timeLimit(receiveMs);
  let given = false;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read().catch(endedEarly), late.passed]);
      if (done) break;
      let start = 0;
      for (let end = value.indexOf(NEWLINE); end >= 0; end = value.indexOf(NEWLINE, start)) {
        take(value.subarray(start, end));
        start = end + 1;
        const line = whole();
        if (isBlank(line)) continue;
        late.clear();
        given = true;
        yield line;
        given = false;
        late = timeLimit(receiveMs);
      }
      take(value.subarray(start));
    }
    const rest = whole();
    if (!isBlank(rest)) yield rest;
  } finally {
    late.clear();
    // Nobody wants more where it ends at a line that has been given.
    if (given) await reader.cancel().catch(() => {});
    else reader.releaseLock();
  }
}

const NEWLINE = 10;

/** A line may end with a carriage return. */
const isBlank = (line: Uint8Array) => line.length === 0 || (line.length === 1 && line[0] === 13);
