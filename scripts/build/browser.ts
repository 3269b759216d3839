import { bundleBrowser } from '../lib/browser-bundle.js';
import { main, npmCommand } from '../lib/command.js';

const command = npmCommand('build:browser')
  .description('Bundles mien for browsers to a folder that any file server can serve.')
  .option('--model <folder>', 'the model to bundle (default: models/mien-v1)')
  .option('--out <folder>', 'where to', 'dist/public/browser');

async function build({ model, out }: ReturnType<typeof command.opts>): Promise<void> {
  const files = await bundleBrowser({ out, ...(model && { model }) });
  for (const { name, bytes, gzipBytes } of files) {
    console.log(
      `${name.padEnd(24)} ${`${bytes}`.padStart(9)} bytes, ${`${gzipBytes}`.padStart(9)} after gzip`,
    );
  }
}

main(command.action(build));
