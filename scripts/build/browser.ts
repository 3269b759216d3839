/**
 * Bundles mien for browsers to a folder that any file server can serve:
 * npm run build:browser [-- --model models/mien-v1] [--out dist/public/browser]
 */
import { parseArgs } from 'node:util';
import { bundleBrowser } from '../lib/browser-bundle.js';
import { main } from '../lib/main.js';

main(async () => {
  const { values } = parseArgs({
    options: { model: { type: 'string' }, out: { type: 'string', default: 'dist/public/browser' } },
  });
  const { model, out } = values;
  const files = await bundleBrowser({ out, ...(model && { model }) });
  for (const { name, bytes, gzipBytes } of files) {
    console.log(
      `${name.padEnd(24)} ${`${bytes}`.padStart(9)} bytes, ${`${gzipBytes}`.padStart(9)} after gzip`,
    );
  }
});
