/**
 * Bundles the Lambda function to a folder and, beside it, one zip:
 * npm run lambda:build [-- --model models/mien-v1] [--out dist/lambda]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bundleLambda } from './lib/lambda-bundle.js';
import { main } from './lib/main.js';
import { zip } from './lib/zip.js';

main(async () => {
  const { values } = parseArgs({
    options: { model: { type: 'string' }, out: { type: 'string', default: 'dist/lambda' } },
  });
  const { model, out } = values;
  const entries = await bundleLambda({ out, ...(model && { model }) });
  for (const { name, content } of entries) console.log(`${out}/${name}: ${content.length} bytes`);
  const archive = zip(entries);
  writeFileSync(`${out}.zip`, archive);
  console.log(`${out}.zip: ${archive.length} bytes`);
});
