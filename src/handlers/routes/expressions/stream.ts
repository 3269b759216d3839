import type { Context } from 'hono';
import { stream } from 'hono/streaming';
import type { StreamingApi } from 'hono/utils/stream';
import type { Recognition, Recognizer } from '../../../model/recognizer.js';
import { createTracker, type TrackedFace } from '../../../model/tracker.js';
import { othersTurn } from '../../../others-turn.js';
import type { AppEnv } from '../../env.js';
import type { ErrorBody } from '../../errors.js';
import { gather } from '../../gathered.js';
import { decodeBase64, jsonBody, parseJson, validated } from '../../input.js';
import { refusal } from '../../middleware/errors.js';
import { type BodyLimits, endedEarly, timeLimit } from '../../middleware/limited-body.js';
import { whenPlain } from '../../plain-body.js';
import { readQuery, streamQuery } from './query.js';

/** A line of the answer. */
export type FrameAnswer =
  | ({ frame: number; faces: TrackedFace[] } & Omit<Recognition, 'faces'>)
  | ({
      frame: number;
      /** Where the server ends the stream: this frame, which may not have come, and those after it have no answer. */
      final?: true;
    } & ErrorBody);

/**
 * NDJSON in, NDJSON out: a line `{"image": base64}` a frame, and a line an answer, in order, each before the next frame is
 * looked at. A frame that is wrong has an error for its answer; one that is too long, or does not come in time, ends the
 * stream after its error, which is marked as `final`, and so does the server's stopping; one whose answer is not taken in time ends it at once.
 */
export async function recognizeFrames(
  c: Context<AppEnv>,
  recognizer: Pick<Recognizer, 'recognize'>,
  limits: BodyLimits,
): Promise<Response> {
  whenPlain(c.req.header('content-encoding'));
  const { smoothing, ...options } = readQuery(c.req, streamQuery);
  const tracker = createTracker(smoothing === undefined ? {} : { smoothing });
  const { signal } = c.req.raw;

  async function answer(line: Uint8Array, frame: number): Promise<FrameAnswer> {
    try {
      const image = decodeBase64(validated(jsonBody, parseJson(line, 'The line'), 'The line').image, 'image');
      const recognition = await recognizer.recognize(image, { ...options, signal });
      return { frame, ...recognition, faces: tracker.update(recognition.faces) };
    } catch (error) {
      signal.throwIfAborted();
      return { frame, ...refusal(c, error).body };
    }
  }

  async function answerAll(out: StreamingApi): Promise<void> {
    let frame = 0;
    try {
      for await (const line of lines(c.req.raw.body, limits, c.get('stopping'))) {
        if (out.aborted || signal.aborted) return;
        await write(out, await answer(line, frame++));
        // Frames that are refused wait for nothing, and are of a byte or two each.
        await othersTurn();
      }
    } catch (error) {
      if (out.aborted || signal.aborted) return;
      // Where not even this is taken, nobody is left to hear of it.
      await write(out, { frame, ...refusal(c, error).body, final: true }).catch(() => {});
    }
  }

  /** Gives a client up that does not take its answers: its stream would keep a place for ever. */
  async function write(out: StreamingApi, line: FrameAnswer): Promise<void> {
    const late = timeLimit(limits.receiveMs);
    late.passed.catch(() => out.abort());
    await Promise.race([out.write(`${JSON.stringify(line)}\n`), late.passed]).finally(late.clear);
  }

  c.header('content-type', 'application/x-ndjson');
  let ended = () => {};
  c.set(
    'done',
    new Promise((resolve) => {
      ended = resolve;
    }),
  );
  return stream(c, (out) => answerAll(out).finally(ended));
}

/**
 * The lines of a body that are not empty, each within the limits that hold for a whole body elsewhere.
 *
 * @throws ApiError `body_too_large`, `request_timeout`, `invalid_request` where the client stops sending; the signal's
 *   reason, which it heeds only while it waits
 */
async function* lines(
  body: ReadableStream<Uint8Array> | null,
  { maxBodyBytes, receiveMs }: BodyLimits,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (!body) return;
  const reader = body.getReader();
  const gathered = gather(maxBodyBytes);
  let late = timeLimit(receiveMs, signal);
  let given = false;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read().catch(endedEarly), late.passed]);
      if (done) break;
      let start = 0;
      for (let end = value.indexOf(NEWLINE); end >= 0; end = value.indexOf(NEWLINE, start)) {
        gathered.add(value.subarray(start, end));
        start = end + 1;
        const line = gathered.take();
        if (isBlank(line)) continue;
        late.clear();
        given = true;
        yield line;
        given = false;
        late = timeLimit(receiveMs, signal);
      }
      gathered.add(value.subarray(start));
      // So are empty lines.
      await othersTurn();
    }
    const rest = gathered.take();
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
