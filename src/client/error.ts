import type { ErrorBody } from '../handlers/errors.js';

/** An answer that is not a success, or none at all. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  constructor(
    message: string,
    /** The answer's code (`invalid_image`, `rate_limited` …); `no_answer` where there was none that is the API's. */
    readonly code: ErrorBody['error']['code'] | 'no_answer',
    /** HTTP status; undefined without an answer, and where a stream that was open is ended. */
    readonly status?: number,
    /** What the server calls the request in its logs. */
    readonly requestId?: string,
    /** Seconds after which the server says to try again. */
    readonly retryAfterSeconds?: number,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** What is thrown where the API answers with a status that is no success. */
export function refusal({ status, headers }: Response, error: Partial<ErrorBody['error']>): ClientError {
  const wait = secondsOf(headers.get('retry-after'));
  return new ClientError(
    error.message ?? `The server answers ${status}.`,
    error.code ?? 'no_answer',
    status,
    error.requestId,
    wait,
  );
}

/** A Retry-After, which is seconds or a date; undefined where it is neither. */
function secondsOf(after: string | null): number | undefined {
  if (after === null) return undefined;
  const seconds = /^\d+$/.test(after) ? Number(after) : (Date.parse(after) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, Math.ceil(seconds));
}

/** What is thrown where something else answers, or nothing. */
export function noAnswer(base: URL, why: string, cause?: unknown): ClientError {
  const message = `${base} does not answer as mien does: ${why}.`;
  return new ClientError(message, 'no_answer', undefined, undefined, undefined, { cause });
}
