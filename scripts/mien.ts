#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/assets/node.js';
import { createCommand, main } from './lib/command.js';

const { version, description } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));

// What a command runs is loaded by that command alone.
const mien = createCommand('mien').description(description).version(version);

mien
  .command('predict')
  .description('Scores the faces of photos. A file that fails is reported in its place, the others go on.')
  .argument('<files...>', 'JPEG, PNG or WebP')
  .option('--json', "print one object with the API's answer by file")
  .option('--model <folder>', 'the model (default: models/mien-v1, which comes with the package)')
  .option('--saliency <png>', "draw over the photo what speaks for each face's best label")
  .action(async (files, options) => (await import('./predict.js')).predict(files, options));

mien
  .command('serve')
  .description('Starts the server; the environment configures it, as docs/configuration.md lists.')
  .action(async () => {
    // The server reads the arguments itself, and takes `serve` for SageMaker's.
    process.argv.splice(2);
    await import('../src/handlers/node.js');
  });

main(mien);
