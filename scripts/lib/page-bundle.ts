import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/assets/node.js';
import { hashOf, policyTag } from './content-policy.js';
import { bundleWeb } from './web-bundle.js';

/**
 * Bundles web/ to one page: styles and script stand in it, and its policy allows those two by their hashes and nothing
 * else that is not the server's own.
 *
 * @returns HTML
 */
export async function bundlePage(): Promise<string> {
  const [script, style] = await Promise.all([bundleWeb('page.ts'), bundleWeb('page.css')]);
  const policy = policyTag([
    "default-src 'none'",
    `script-src 'self' '${hashOf(script)}' 'wasm-unsafe-eval'`,
    `style-src '${hashOf(style)}'`,
    "connect-src 'self'",
    'img-src data: blob:',
    "worker-src 'self'",
  ]);
  // Functions, lest a "$" in the script be taken for a group.
  return readFileSync(join(packageRoot(), 'web', 'index.html'), 'utf8')
    .replace('<!-- policy -->', () => policy)
    .replace('<!-- style -->', () => `<style>${style}</style>`)
    .replace('<!-- script -->', () => `<script type="module">${script}</script>`);
}
