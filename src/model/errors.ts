/**
 * What can go wrong in the model, by code. The first four are about a picture, the fifth about the options beside it, the
 * next three about a model's or a data set's files; `not_ready` is what has been disposed of. Handlers map codes to HTTP
 * statuses, so that the model knows nothing of HTTP.
 */
export type MienErrorCode =
  | 'empty_input'
  | 'unsupported_media_type'
  | 'invalid_image'
  | 'image_too_large'
  | 'invalid_request'
  | 'invalid_architecture'
  | 'invalid_weights'
  | 'invalid_data'
  | 'backend_unavailable'
  | 'not_ready'
  | 'internal';

const MARK = Symbol.for('mien.error');

/** The one error type that mien throws on purpose: a stable `code`, a message for people, a cause. */
export class MienError extends Error {
  readonly code: MienErrorCode;
  /** Facts a program may act on (limits, sizes, names), safe to show to a client. */
  readonly details: Record<string, unknown> | undefined;

  constructor(
    code: MienErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MienError';
    this.code = code;
    this.details = options.details;
    Object.defineProperty(this, MARK, { value: true });
  }

  /** Recognises a MienError across copies of the package, where `instanceof` fails. */
  static is(error: unknown): error is MienError {
    return typeof error === 'object' && error !== null && MARK in error;
  }
}
