import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { MienError, type MienErrorCode } from '../model/errors.js';

/** Every code that an answer's `error.code` may hold: the model's, and what only HTTP knows. */
export type ApiErrorCode =
  | MienErrorCode
  | 'body_too_large'
  | 'unauthorized'
  | 'not_found'
  | 'method_not_allowed'
  | 'rate_limited'
  | 'client_gone'
  | 'queue_full'
  | 'overloaded'
  | 'request_timeout'
  | 'deadline_exceeded'
  | 'too_much_work';

const STATUS: Record<ApiErrorCode, ContentfulStatusCode> = {
  empty_input: 400,
  invalid_image: 400,
  invalid_request: 400,
  unauthorized: 401,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  body_too_large: 413,
  image_too_large: 413,
  unsupported_media_type: 415,
  too_much_work: 422,
  rate_limited: 429,
  // Nobody reads it; nginx's number for it, so that metrics and logs tell it from faults.
  client_gone: 499 as ContentfulStatusCode,
  // A broken model or data set is the service's fault, never the client's.
  invalid_architecture: 500,
  invalid_weights: 500,
  invalid_data: 500,
  internal: 500,
  backend_unavailable: 503,
  not_ready: 503,
  queue_full: 503,
  overloaded: 503,
  deadline_exceeded: 503,
};

export const ERROR_CODES = Object.keys(STATUS) as ApiErrorCode[];

/** The status that a code is answered with. */
export const statusOf = (code: ApiErrorCode): ContentfulStatusCode => STATUS[code];

/** What cannot be answered, in terms of HTTP: what a client did wrong, or what the server has no room or time for. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  /** Facts a program may act on; shown to the client. */
  readonly details: Record<string, unknown> | undefined;

  constructor(
    code: ApiErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ApiError';
    this.code = code;
    this.details = options.details;
  }
}

/** The one shape of every answer that is not a success. */
export interface ErrorBody {
  error: { code: ApiErrorCode; message: string; requestId: string; details?: Record<string, unknown> };
}

export interface ErrorAnswer {
  status: ContentfulStatusCode;
  headers: Record<string, string>;
  body: ErrorBody;
}

/** Seconds after which a client may try again what failed with 429 or 503, where the error has no better. */
const RETRY_AFTER = 1;

/**
 * What the client is told of an error. Of faults that are ours it learns the kind alone: their messages name
 * paths and packages.
 */
export function errorAnswer(error: unknown, requestId: string): ErrorAnswer {
  const known = error instanceof ApiError || MienError.is(error) ? error : undefined;
  const status = known ? STATUS[known.code] : 500;
  const headers: Record<string, string> =
    status === 429 || status === 503
      ? { 'retry-after': `${known?.details?.retryAfterSeconds ?? RETRY_AFTER}` }
      : status === 401
        ? { 'www-authenticate': 'Bearer' }
        : status === 408
          ? { connection: 'close' } // what is still to come would be taken for the next request
          : known?.details?.acceptEncoding
            ? { 'accept-encoding': `${known.details.acceptEncoding}` }
            : {};
  if (error instanceof ApiError || (known && status < 500)) {
    const { code, message, details } = known as ApiError | MienError;
    return { status, headers, body: { error: { code, message, requestId, ...(details && { details }) } } };
  }
  const [code, message] =
    known?.code === 'not_ready'
      ? (['not_ready', 'The model is not ready.'] as const)
      : status === 503
        ? (['backend_unavailable', 'The model cannot be run at the moment.'] as const)
        : (['internal', 'Something went wrong on our side.'] as const);
  return { status, headers, body: { error: { code, message, requestId } } };
}
