import { writeFileSync } from 'node:fs';
import { main, npmCommand } from './lib/command.js';
import { bundleLambda } from './lib/lambda-bundle.js';
import { zip } from './lib/zip.js';

const command = npmCommand('lambda:build')
  .description('Bundles the Lambda function to a folder and, beside it, one zip.')
  .option('--model <folder>', 'the model to bundle (default: models/mien-v1)')
  .option('--out <folder>', 'where to', 'dist/lambda');

async function build({ model, out }: ReturnType<typeof command.opts>): Promise<void> {
  const entries = await bundleLambda({ out, ...(model && { model }) });
  for (const { name, content } of entries) console.log(`${out}/${name}: ${content.length} bytes`);
  const archive = zip(entries);
  writeFileSync(`${out}.zip`, archive);
  console.log(`${out}.zip: ${archive.length} bytes`);
}

main(command.action(build));
