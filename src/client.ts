/** A client of the HTTP API: `fetch` and nothing else, so it runs wherever that is. */
import type { ErrorBody } from './handlers/errors.js';
import type { FrameAnswer } from './handlers/routes/expressions/stream.js';
import type { Recognition, RecognizeOptions } from './model/recognizer.js';

export type { ErrorBody } from './handlers/errors.js';
export type { FrameAnswer } from './handlers/routes/expressions/stream.js';
export type { Expression, Recognition, RecognizedFace } from './model/recognizer.js';
export type { Saliency } from './model/saliency.js';

/** What may be sent: the bytes of a JPEG, PNG or WebP file. */
export type Photo = Blob | ArrayBuffer | Uint8Array;

export interface ClientOptions {
  /** The server's address, such as https://mien.example.com. */
  url: string | URL;
  /** API key, sent as a bearer token. Default none. */
  key?: string;
  /** Longest wait for an answer, milliseconds. Default 30,000. */
  timeoutMs?: number;
  /** What fetches. Default the global `fetch`. */
  fetch?: typeof fetch;
}

/** An answer that is not a success, or none at all. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  constructor(
    message: string,
    /** The answer's code (`invalid_image`, `rate_limited` …); `no_answer` where there was none that is the API's. */
    readonly code: ErrorBody['error']['code'] | 'no_answer',
    /** HTTP status; undefined without an answer. */
    readonly status?: number,
    /** What the server calls the request in its logs. */
    readonly requestId?: string,
    /** Seconds after which the server says to try again. */
    readonly retryAfterSeconds?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface Client {
  /**
   * Finds the faces of a photo and scores each one's expression.
   * @throws ClientError
   */
  recognize(photo: Photo, options?: RecognizeOptions): Promise<Recognition>;
  /**
   * The same for up to 32 photos in one request: each has its own result, or its own error.
   * @throws ClientError where the request as a whole fails
   */
  recognizeBatch(photos: Photo[], options?: RecognizeOptions): Promise<(Recognition | ErrorBody)[]>;
  /**
   * Sends the frames of a video as they come, and gives their answers in order. Where `fetch` can stream a request, as in
   * Node and Workers; browsers need HTTP/2 for it.
   * @throws ClientError where the stream cannot be opened, or breaks off
   */
  recognizeStream(
    frames: AsyncIterable<Photo> | Iterable<Photo>,
    options?: StreamOptions,
  ): AsyncGenerator<FrameAnswer>;
}

export interface StreamOptions extends RecognizeOptions {
  /** Weight of what was before in a tracked face's scores, 0 to 0.99. Default 0. */
  smoothing?: number;
}

/**
 * @example
 * import { createClient } from 'mien/client';
 * const client = createClient({ url: 'http://localhost:8080' });
 * const { faces } = await client.recognize(await readFile('photo.jpg'), { maxFaces: 1 });
 */
export function createClient(options: ClientOptions): Client {
  const { url, key, timeoutMs = 30_000, fetch: send = fetch } = options;
  const base = `${url}`.replace(/\/*$/, '/');

  const noAnswer = (why: string, cause?: unknown) =>
    new ClientError(
      `${base} does not answer as mien does: ${why}.`,
      'no_answer',
      undefined,
      undefined,
      undefined,
      { cause },
    );

  /** Sends a body, and gives what `read` makes of the answer where it is a success. */
  async function ask<T>(
    path: string,
    { signal, ...query }: StreamOptions,
    init: RequestInit & { duplex?: 'half' },
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const address = new URL(path, base);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) address.searchParams.set(name, `${value}`);
    }
    // A stream lasts as long as its frames come.
    const limit = init.duplex ? undefined : AbortSignal.timeout(timeoutMs);
    const signals = [signal, limit].filter((one) => one !== undefined);
    let response: Response;
    let answer: T | Partial<ErrorBody> | undefined;
    try {
      response = await send(address, {
        method: 'POST',
        ...init,
        headers: { ...init.headers, ...(key && { authorization: `Bearer ${key}` }) },
        ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
      } as RequestInit);
      answer = response.ok
        ? await read(response)
        : await response.json().catch(() => signal?.throwIfAborted());
    } catch (cause) {
      signal?.throwIfAborted();
      throw noAnswer(limit?.aborted ? `not within ${timeoutMs} ms` : (cause as Error).message, cause);
    }
    if (response.ok) return answer as T;
    // A proxy's own answer is no JSON.
    throw refusal(response, (answer as Partial<ErrorBody> | undefined)?.error);
  }

  return {
    recognize(photo, options = {}) {
      const headers = { 'content-type': 'application/octet-stream' };
      return ask('v1/expressions', options, { body: photo as BodyInit, headers }, (response) =>
        response.json(),
      );
    },
    async recognizeBatch(photos, options = {}) {
      const body = new FormData();
      for (const photo of photos)
        body.append('image', photo instanceof Blob ? photo : new Blob([photo as BlobPart]), 'photo');
      const { results } = await ask('v1/expressions/batch', options, { body }, (response) => response.json());
      return results;
    },
    async *recognizeStream(frames, options = {}) {
      const headers = { 'content-type': 'application/x-ndjson' };
      const body = linesOf(frames);
      const stream = await ask(
        'v1/expressions/stream',
        options,
        { body, headers, duplex: 'half' },
        async (response) => response.body as ReadableStream<Uint8Array>,
      );
      try {
        yield* answers(stream);
      } catch (cause) {
        options.signal?.throwIfAborted();
        throw noAnswer((cause as Error).message, cause);
      }
    },
  };
}

/** A line of JSON a frame, made when it is asked for. */
function linesOf(frames: AsyncIterable<Photo> | Iterable<Photo>): ReadableStream<Uint8Array> {
  const source = Symbol.asyncIterator in frames ? frames[Symbol.asyncIterator]() : frames[Symbol.iterator]();
  const encoder = new TextEncoder();
  const frameByFrame = { highWaterMark: 0 };
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await source.next();
        if (done) return controller.close();
        controller.enqueue(encoder.encode(`${JSON.stringify({ image: await base64(value) })}\n`));
      },
      async cancel() {
        await source.return?.();
      },
    },
    frameByFrame,
  );
}

async function base64(photo: Photo): Promise<string> {
  const bytes = new Uint8Array(photo instanceof Blob ? await photo.arrayBuffer() : photo);
  let text = '';
  // In parts, since a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

async function* answers(stream: ReadableStream<Uint8Array>): AsyncGenerator<FrameAnswer> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) yield JSON.parse(line);
    }
  } finally {
    // Whoever stops reading stops the sending too.
    await reader.cancel().catch(() => {});
  }
}

function refusal({ status, headers }: Response, error: ErrorBody['error'] | undefined): ClientError {
  const wait = Number(headers.get('retry-after') ?? Number.NaN);
  return new ClientError(
    error?.message ?? `The server answers ${status}.`,
    error?.code ?? 'no_answer',
    status,
    error?.requestId,
    Number.isNaN(wait) ? undefined : wait,
  );
}
