import type { Context, Hono, MiddlewareHandler } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import type { AppEnv } from '../env.js';
import { ApiError, type ApiErrorCode, type ErrorAnswer, type ErrorBody, errorAnswer } from '../errors.js';
import { log } from '../log.js';

/** What the client is told of an error; what is our fault is logged with the request's id. */
export function refusal(c: Context<AppEnv>, error: unknown): ErrorAnswer {
  const answer = errorAnswer(error, c.get('requestId'));
  if (answer.status >= 500 && !(error instanceof ApiError)) {
    const { method, path } = c.req;
    log('error', 'request failed', { requestId: c.get('requestId'), method, path, error });
  }
  return answer;
}

/** Answers an error in the one envelope. */
function answer(c: Context<AppEnv>, error: unknown): Response {
  const { signal } = c.req.raw;
  if (signal.aborted && error === signal.reason) error = clientGone();
  const { status, headers, body } = refusal(c, error);
  return c.json(inForm(c.req.path, body), status, headers);
}

/** The Open Inference Protocol and Hugging Face have a form of their own. */
function inForm(path: string, body: ErrorBody): ErrorBody | { error: string; code: ApiErrorCode } {
  return /^\/(v2|huggingface)(\/|$)/.test(path) ? { error: body.error.message, code: body.error.code } : body;
}

/**
 * Makes an error of whatever else is thrown: Hono answers errors alone, and anything else would pass by all that logs and
 * measures. A client's going is a string on Node. Use it last before the routes.
 */
export const errorsAlone: MiddlewareHandler<AppEnv> = async (c, next) => {
  try {
    await next();
  } catch (thrown) {
    if (thrown instanceof Error) throw thrown;
    throw c.req.raw.signal.aborted ? clientGone() : new Error(`${thrown}`);
  }
};

const clientGone = () => new ApiError('client_gone', 'The client has gone.');

/** Gives an app the one envelope for whatever fails, 404 included. */
export function useErrorEnvelope(app: Hono<AppEnv>): void {
  app.onError((error, c) => answer(c, error));
  app.notFound((c) => answer(c, new ApiError('not_found', `There is nothing at ${c.req.path}.`)));
}

/** Makes a 405 of a 404 where other methods have an answer. Use it inside of all that logs and measures. */
export const otherMethods = (app: Hono<AppEnv>): MiddlewareHandler<AppEnv> =>
  methodNotAllowed({
    app,
    onMethodNotAllowed(c: Context<AppEnv>, methods) {
      const allow = methods.join(', ');
      const message = `${c.req.path} answers ${allow}, not ${c.req.method}.`;
      const response = answer(
        c,
        new ApiError('method_not_allowed', message, { details: { allow: methods } }),
      );
      response.headers.set('allow', allow);
      return response;
    },
  });
