import { MienError } from '../src/model/errors.js';
import { main, npmCommand } from './lib/command.js';
import { bundleWorker } from './lib/worker-bundle.js';

/** Bytes of everything after gzip. Workers take more: this keeps deployments and cold starts quick. */
const BUDGET_BYTES = 3_000_000;

const row = (name: string, type: string, bytes: number, gzipBytes: number) =>
  [name.padEnd(32), type.padEnd(13), kilobytes(bytes), kilobytes(gzipBytes)].join(' ');
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`.padStart(12);

const command = npmCommand('edge:check')
  .description(
    'Bundles the Worker as a deployment does, prints what would be uploaded, and fails over the budget.',
  )
  .option('--model <folder>', 'the model to bundle (default: models/mien-v1)')
  .option('--out <folder>', 'where to', 'dist/worker');

async function check({ model, out }: ReturnType<typeof command.opts>): Promise<void> {
  const modules = await bundleWorker({ out, ...(model && { model }) });
  console.log(`${'module'.padEnd(32)} ${'type'.padEnd(13)} ${'size'.padStart(12)} ${'gzip'.padStart(12)}`);
  for (const { name, type, bytes, gzipBytes } of modules) {
    // Wrangler puts a hash of the content before the name.
    console.log(row(name.replace(/^[0-9a-f]{40}-/, ''), type, bytes, gzipBytes));
  }
  const sum = (key: 'bytes' | 'gzipBytes') => modules.reduce((total, module) => total + module[key], 0);
  const gzipBytes = sum('gzipBytes');
  console.log(row('in all', '', sum('bytes'), gzipBytes));
  if (gzipBytes > BUDGET_BYTES) {
    throw new MienError(
      'invalid_data',
      `The bundle has ${gzipBytes} bytes after gzip: ${gzipBytes - BUDGET_BYTES} over the budget of ${BUDGET_BYTES}.`,
    );
  }
}

main(command.action(check));
