import { createHash } from 'node:crypto';

/** What a policy calls an inline script or style: 'sha256-…'. */
export const hashOf = (text: string): string =>
  `sha256-${createHash('sha256').update(text).digest('base64')}`;

/** A page's Content-Security-Policy, in the page, so that it holds wherever that is served from. */
export const policyTag = (directives: string[]): string =>
  `<meta http-equiv="Content-Security-Policy" content="${[...directives, "base-uri 'none'", "form-action 'none'"].join('; ')}" />`;
