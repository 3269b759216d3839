import type { MiddlewareHandler } from 'hono';

/**
 * Nobody reads what a GET or HEAD carries, and Node waits for its end after the answer: the connection ends with the answer
 * instead, or a byte now and then would hold it for ever.
 */
export const unreadBody: MiddlewareHandler = async (c, next) => {
  await next();
  const carries = Number(c.req.header('content-length') ?? 0) > 0 || c.req.header('transfer-encoding');
  if (carries && ['GET', 'HEAD'].includes(c.req.method)) c.header('connection', 'close');
};
