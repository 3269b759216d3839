import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../env.js';
import { ApiError } from '../errors.js';
import type { Guard } from '../guard.js';

/**
 * Lets through who sends a key, as `Authorization: Bearer KEY` or `X-API-Key: KEY`. Only hashes are kept, and every one
 * is compared to the end, so that neither the environment nor the time that an answer takes tells a key.
 *
 * @throws ApiError `unauthorized`
 */
export function apiKey(guardFor: (env: unknown) => Guard): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const { keys, anonymous } = guardFor(c.env);
    if (keys.length > 0) {
      const sent = sentKey(c.req.header('authorization'), c.req.header('x-api-key'));
      if (sent === '') throw refusal();
      const hash = await sha256(sent);
      if (!keys.map((key) => sameText(key, hash)).includes(true)) throw refusal();
      c.set('client', hash);
    } else if (!anonymous) throw refusal();
    await next();
  };
}

const refusal = () => new ApiError('unauthorized', 'This needs a valid API key.');

const sentKey = (authorization = '', key = '') => /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? key;

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Compares texts of one length in a time that does not depend on where they differ. */
function sameText(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < other.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
