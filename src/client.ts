/** A client of the HTTP API: `fetch` and nothing else, so it runs wherever that is. */
import type { ErrorBody } from './handlers/errors.js';
import type { Recognition, RecognizeOptions } from './model/recognizer.js';

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

  return {
    async recognize(photo, { signal, ...query } = {}) {
      const address = new URL('v1/expressions', base);
      for (const [name, value] of Object.entries(query)) {
        if (value !== undefined) address.searchParams.set(name, `${value}`);
      }
      const limit = AbortSignal.timeout(timeoutMs);
      let response: Response;
      let answer: Recognition & Partial<ErrorBody>;
      try {
        response = await send(address, {
          method: 'POST',
          body: photo as BodyInit,
          headers: {
            'content-type': 'application/octet-stream',
            ...(key && { authorization: `Bearer ${key}` }),
          },
          signal: signal ? AbortSignal.any([signal, limit]) : limit,
        });
        answer = await response.json();
      } catch (cause) {
        signal?.throwIfAborted();
        const why = limit.aborted ? `not within ${timeoutMs} ms` : (cause as Error).message;
        throw new ClientError(
          `${base} does not answer as mien does: ${why}.`,
          'no_answer',
          undefined,
          undefined,
          undefined,
          { cause },
        );
      }
      if (response.ok) return answer;
      throw refusal(response, answer.error);
    },
  };
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
