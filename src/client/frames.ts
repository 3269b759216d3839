import { toBase64 } from '../base64.js';
import { bytesOf, type Photo } from '../model/photo.js';
import { othersTurn } from '../others-turn.js';

export interface FramesOptions {
  /** Aborted where no more frames are wanted. */
  signal: AbortSignal;
  /** What the second frame waits for; called when the first one has been taken, or there is none. */
  opened: () => Promise<unknown>;
  /** Called where the frames' source throws. */
  onError: (error: unknown) => void;
}

/**
 * The body of a stream: a line of JSON a frame, made when it is asked for. It owns the source of the frames, which is told
 * to stop when no more are wanted: a `fetch` that gives up leaves its body alone.
 */
export function bodyOf(
  frames: AsyncIterable<Photo> | Iterable<Photo>,
  { signal, opened, onError }: FramesOptions,
): ReadableStream<Uint8Array> {
  const source = framesAsLines(frames);
  let first = true;
  let over = false;
  /** Not waited for: the source may be waiting itself, for a frame that does not come. */
  const stop = () => {
    over = true;
    source.return(undefined).catch(() => {});
  };
  const frameByFrame = { highWaterMark: 0 };
  return new ReadableStream(
    {
      start(controller) {
        signal.addEventListener('abort', () => {
          stop();
          controller.error(signal.reason);
        });
      },
      async pull(controller) {
        try {
          // Lets the answers be read between frames that come without a pause.
          await othersTurn();
          const { done, value } = await source.next();
          if (over) return;
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          return onError(error);
        }
        if (first) await opened().catch(() => {});
        first = false;
      },
      cancel: stop,
    },
    frameByFrame,
  );
}

async function* framesAsLines(
  frames: AsyncIterable<Photo> | Iterable<Photo>,
): AsyncGenerator<Uint8Array, undefined> {
  const encoder = new TextEncoder();
  for await (const frame of frames)
    yield encoder.encode(`${JSON.stringify({ image: toBase64(await bytesOf(frame)) })}\n`);
}
