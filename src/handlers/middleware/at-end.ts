import type { Context } from 'hono';
import type { AppEnv } from '../env.js';

/** Acts once a request's work is done: a stream has only begun when its response is there. Call it after `next()`. */
export function atEnd(c: Context<AppEnv>, act: () => void): void {
  const done = c.get('done');
  if (done) done.then(act);
  else act();
}
