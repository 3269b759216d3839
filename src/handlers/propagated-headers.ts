import { AsyncLocalStorage } from 'node:async_hooks';
import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from './env.js';

/** W3C trace context: https://www.w3.org/TR/trace-context/ */
const TRACE_CONTEXT = ['traceparent', 'tracestate'];

const storage = new AsyncLocalStorage<Record<string, string>>();

/**
 * Keeps what `propagatedHeaders` answers. Hono's own contextStorage() keeps the whole context, which workerd does not let
 * go with the request: a photo each.
 */
export const propagating: MiddlewareHandler<AppEnv> = (c, next) => {
  const headers: Record<string, string> = { 'x-request-id': c.get('requestId') };
  for (const name of TRACE_CONTEXT) {
    const value = c.req.header(name);
    if (value) headers[name] = value;
  }
  return storage.run(headers, next);
};

/** What tells another server of the request that is being answered here: its id, and its trace context as it came. */
export const propagatedHeaders = (): Record<string, string> => storage.getStore() ?? {};
