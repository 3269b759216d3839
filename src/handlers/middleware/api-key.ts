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
      const hashes = await Promise.all(readings(sent).map(sha256));
      const known = hashes.filter((hash) => keys.map((key) => sameText(key, hash)).includes(true));
      const [client] = known;
      if (client === undefined) throw refusal();
      c.set('client', client);
    } else if (!anonymous) throw refusal();
    await next();
  };
}

const refusal = () => new ApiError('unauthorized', 'This needs a valid API key.');

const sentKey = (authorization = '', key = '') => /^Bearer +([^ \t]+)$/i.exec(authorization)?.[1] ?? key;

/** The bytes that a header may have been: of those beyond ASCII Node makes a character each, other runtimes read UTF-8. */
function readings(text: string): Uint8Array<ArrayBuffer>[] {
  const utf8 = new TextEncoder().encode(text);
  const codes = Array.from(text, (character) => character.charCodeAt(0));
  const isBytes = codes.length < utf8.length && codes.every((code) => code <= 0xff);
  return isBytes ? [utf8, Uint8Array.from(codes)] : [utf8];
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Compares texts of one length in a time that does not depend on where they differ. */
function sameText(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < other.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
