/** A client of the HTTP API: `fetch` and nothing else, so it runs wherever that is. */
import { answersOf } from './client/answers.js';
import { createEnding } from './client/ending.js';
import { ClientError, noAnswer, refusal } from './client/error.js';
import { bodyOf } from './client/frames.js';
import { reasonOf } from './fetch-reason.js';
import type { ErrorBody } from './handlers/errors.js';
import type { FrameAnswer } from './handlers/routes/expressions/stream.js';
import { checkPhoto, type Photo } from './model/photo.js';
import type { Recognition, RecognizeOptions } from './model/recognizer.js';

export { ClientError } from './client/error.js';
export type { ErrorBody } from './handlers/errors.js';
export type { FrameAnswer } from './handlers/routes/expressions/stream.js';
export { MienError, type MienErrorCode } from './model/errors.js';
export type { Label } from './model/labels.js';
export type { Photo } from './model/photo.js';
export type { Expression, Recognition, RecognizedFace, RecognizeOptions } from './model/recognizer.js';
export type { Saliency } from './model/saliency.js';
export type { TrackedFace } from './model/tracker.js';

/**
 * How long the second frame of a stream waits for the server to accept the first, milliseconds. A `fetch` or a proxy that
 * answers only what has been sent whole is not kept waiting for ever.
 */
const ACCEPTED_MS = 2000;

export interface ClientOptions {
  /** The server's address, such as https://mien.example.com. */
  url: string | URL;
  /** API key, sent as a bearer token. Default none. */
  key?: string;
  /**
   * Longest wait for an answer, or for a stream to be opened once its first frame is there, milliseconds; Infinity waits
   * for ever. Default 30,000.
   */
  timeoutMs?: number;
  /** What fetches. Default the global `fetch`. */
  fetch?: typeof fetch;
}

export interface Client {
  /**
   * Finds the faces of a photo and scores each one's expression.
   * @throws ClientError; MienError `invalid_request` where it is no photo, and nothing is sent; the signal's reason
   */
  recognize(photo: Photo, options?: RecognizeOptions): Promise<Recognition>;
  /**
   * The same for up to 32 photos in one request: each has its own result, or its own error. Together they may have what the
   * server takes of one request, 10 MiB unless it is told otherwise.
   * @throws ClientError where the request as a whole fails, `body_too_large` perhaps; MienError `invalid_request` where one is
   *   no photo, and nothing is sent; the signal's reason
   */
  recognizeBatch(photos: Photo[], options?: RecognizeOptions): Promise<(Recognition | ErrorBody)[]>;
  /**
   * Sends the frames of a video as they come, and gives their answers in order. Where `fetch` can stream a request, as in
   * Node and Workers; browsers need HTTP/2 for it, and answer only once all is sent, which `timeoutMs` then holds for. The
   * frames' source is told to stop (`return()`) where the loop over the answers is left.
   * @throws ClientError where the stream cannot be opened, breaks off, or is ended by the server (`request_timeout` where no
   *   frame came for its 30 s); MienError `invalid_request` or `invalid_image` where a frame is no photo or cannot be read;
   *   the signal's reason; what the frames' source throws
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
 * @throws TypeError where `url` is no address of a server, or has a password in it, where `timeoutMs` is no time, and where
 *   `key` has a control character in it
 * @example
 * import { createClient } from 'mien/client';
 * const client = createClient({ url: 'http://localhost:8080' });
 * const { faces } = await client.recognize(await readFile('photo.jpg'), { maxFaces: 1 });
 */
export function createClient({ url, key, timeoutMs = 30_000, fetch: send = fetch }: ClientOptions): Client {
  const base = baseOf(url);
  if (!(timeoutMs >= 0))
    throw new TypeError(`timeoutMs has to be a number of milliseconds; it is ${timeoutMs}.`);
  const authorization = key ? { authorization: `Bearer ${asHeader(key)}` } : {};
  const late = () => noAnswer(base, `not within ${timeoutMs} ms`);

  /** Sends a body, and gives the answer where it is a success. */
  async function post(
    path: string,
    query: object,
    init: RequestInit & { duplex?: 'half' },
  ): Promise<Response> {
    const address = new URL(path, base);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) address.searchParams.set(name, `${value}`);
    const headers = { ...init.headers, ...authorization };
    const response = await send(address, { method: 'POST', ...init, headers } as RequestInit);
    if (response.ok) return response;
    // What was sent by POST is then asked for by GET.
    if (response.redirected) throw noAnswer(base, `it redirects to ${response.url}; give that address`);
    // A proxy's own answer is no JSON.
    const answer: Partial<ErrorBody> | undefined = await response
      .json()
      .catch(() => init.signal?.throwIfAborted());
    throw refusal(response, answer?.error ?? {});
  }

  /** What is to be thrown instead of an error: why the request has ended, or that it has no answer. */
  function explained(error: unknown, { aborted, reason }: AbortSignal): unknown {
    if (aborted) return reason;
    return error instanceof ClientError ? error : noAnswer(base, reasonOf(error), error);
  }

  /** Sends a body, and gives the JSON that is answered, where it has a list by that name. */
  async function ask<T>(
    path: string,
    { signal: caller, ...query }: RecognizeOptions,
    { list, ...init }: RequestInit & { list: string },
  ): Promise<T> {
    const { signal, startClock, end } = createEnding(caller);
    startClock(timeoutMs, late);
    try {
      const answer = await (await post(path, query, { ...init, signal })).json();
      if (!Array.isArray(answer?.[list])) throw new Error(`its answer has no ${list}`);
      return answer;
    } catch (error) {
      throw explained(error, signal);
    } finally {
      end();
    }
  }

  return {
    async recognize(photo, options = {}) {
      const headers = { 'content-type': 'application/octet-stream' };
      return ask('v1/expressions', options, { body: sendable(photo), headers, list: 'faces' });
    },
    async recognizeBatch(photos, options = {}) {
      const form = await formOf(photos);
      const { results } = await ask<{ results: (Recognition | ErrorBody)[] }>(
        'v1/expressions/batch',
        options,
        { ...form, list: 'results' },
      );
      return results;
    },
    async *recognizeStream(frames, { signal: caller, ...query } = {}) {
      const { signal, startClock, stopClock, end } = createEnding(caller);
      let open = false;
      const opened = () => {
        // A server may answer before it is sent anything.
        if (!open) startClock(timeoutMs, late);
        // All others would be sent in vain to a server that refuses, and its refusal be lost with the connection.
        return settled(opening, ACCEPTED_MS);
      };
      const body = bodyOf(frames, { signal, opened, onError: end });
      const headers = { 'content-type': 'application/x-ndjson' };
      const opening = post('v1/expressions/stream', query, { body, headers, duplex: 'half', signal });
      try {
        const response = await opening;
        open = true;
        stopClock();
        yield* answersOf(response);
      } catch (error) {
        throw explained(error, signal);
      } finally {
        end();
      }
    },
  };
}

/** @throws TypeError */
function baseOf(url: string | URL): URL {
  const base = URL.canParse(`${url}`) ? new URL(url) : undefined;
  if (!base || !/^https?:$/.test(base.protocol))
    throw new TypeError(`url has to be a server's address, such as http://localhost:8080; it is ${url}.`);
  if (base.username || base.password)
    throw new TypeError('url may have neither a name nor a password in it: a key is given as key.');
  base.pathname = base.pathname.replace(/\/*$/, '/');
  return base;
}

/**
 * A key as a header takes it: a character a byte, of what it is in UTF-8. White space around it, as a file's last line break,
 * is none of it.
 * @throws TypeError without the key, where `fetch` would name it in an error that may be logged
 */
function asHeader(key: string): string {
  const text = key.trim();
  if (/\p{Cc}/u.test(text)) throw new TypeError('key has a line break or another control character in it.');
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** What `fetch` sends of a photo: memory that threads share it does not take. @throws MienError */
function sendable(photo: Photo): Blob | ArrayBuffer | Uint8Array<ArrayBuffer> {
  checkPhoto(photo);
  if (!ArrayBuffer.isView(photo)) return photo;
  const shared = !(photo.buffer instanceof ArrayBuffer);
  return shared ? new Uint8Array(photo) : (photo as Uint8Array<ArrayBuffer>);
}

/** A form's bytes, with their type. Sent as they are made, they would often hide that the server refuses them. */
async function formOf(photos: Photo[]): Promise<{ body: ArrayBuffer; headers: Record<string, string> }> {
  const form = new FormData();
  for (const photo of photos)
    form.append('image', photo instanceof Blob ? photo : new Blob([sendable(photo)]), 'photo');
  const made = new Response(form);
  const headers = { 'content-type': made.headers.get('content-type') as string };
  return { body: await made.arrayBuffer(), headers };
}

/** Waits until a promise is settled, but not longer. */
async function settled(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, enough]).catch(() => {});
  clearTimeout(timer);
}
