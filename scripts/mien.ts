#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { packageRoot } from '../src/assets/node.js';
import { createCommand, main } from './lib/command.js';
import { positive } from './lib/numbers.js';

const { version, description } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
const configuration = join(packageRoot(), 'docs', 'configuration.md');

// What a command runs is loaded by that command alone.
const mien = createCommand('mien').description(description).version(version);

mien
  .command('predict')
  .description('Scores the faces of photos. A file that fails is reported in its place, the others go on.')
  .argument('<files...>', 'JPEG, PNG or WebP; - is what comes on the standard input')
  .option('--json', "print one object with the API's answer by file")
  .option('--max-faces <n>', 'keep so many faces, the surest ones (default: 100)', positive)
  .option(
    '--min-face-size <pixels>',
    'look for smaller faces than 40 pixels, or only for larger ones',
    positive,
  )
  .addOption(
    new Option('--face <where>', 'find the faces, or take the whole photo for one (default: auto)').choices([
      'auto',
      'whole',
    ] as const),
  )
  .option('--model <folder>', 'the model (default: models/mien-v1, which comes with the package)')
  .option('--saliency <png>', "draw over the photo what speaks for each face's best label")
  .action(async (files, options) => (await import('./predict.js')).predict(files, options));

mien
  .command('serve')
  .description(`Starts the server; the environment configures it, as ${configuration} lists.`)
  .action(async () => {
    // The server reads the arguments itself, and takes `serve` for SageMaker's.
    process.argv.splice(2);
    await import('../src/handlers/node.js');
  });

// Whoever reads what is printed, such as head, may have read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
main(mien);
