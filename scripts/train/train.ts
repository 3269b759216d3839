/**
 * Trains a network:
 * npm run train -- --config scripts/train/configs/cpu.json [--data data/fer2013] [--run runs/NAME] [--resume]
 *   [--steps N] [--checkpoint-seconds 60] [--engine torch|tfjs]
 *   torch: [--seconds N] [--processes N] [--profile] [--dry-run]   tfjs: [--backend wasm|node|node-gpu]
 *
 * Writes the run's folder and starts the engine, which needs no more than that folder and the data. The torch engine is
 * the fast one; --dry-run prints its command instead, for a machine without Node; --processes shares each batch, a GPU
 * each; --profile measures some steps of each stage; --seconds trains as many epochs of its only stage as fit, and config.json
 * then has their number. The tfjs engine needs no Python; --backend says what it computes on.
 */
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { BACKEND_NAMES } from '../../src/model/backends/index.js';
import { MienError } from '../../src/model/errors.js';
import { main } from '../lib/main.js';
import { readConfiguration } from './config.js';
import { trainRun } from './engines/tfjs/train.js';
import { torchCommand, trainByTorch } from './engines/torch.js';
import { oneOf, positive } from './options.js';
import { dataOf, prepareRun } from './run.js';

main(async () => {
  const { values } = parseArgs({
    options: {
      config: { type: 'string' },
      data: { type: 'string' },
      run: { type: 'string' },
      resume: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      steps: { type: 'string' },
      'checkpoint-seconds': { type: 'string', default: '60' },
      engine: { type: 'string', default: 'torch' },
      processes: { type: 'string', default: '1' },
      profile: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      backend: { type: 'string', default: 'wasm' },
    },
  });
  if (!values.config)
    throw new MienError('invalid_data', 'usage: train --config FILE [--data FOLDER] [--run FOLDER]');
  const run = values.run ?? join('runs', basename(values.config, '.json'));
  const engine = oneOf('engine', values.engine, ['torch', 'tfjs']);
  const backend = oneOf('backend', values.backend, BACKEND_NAMES);
  const steps = positive('steps', values.steps);
  const fitted = positive('seconds', values.seconds);
  const seconds = Number(values['checkpoint-seconds']);
  const configuration = readConfiguration(values.config);
  // Profiling changes nothing, so a run may be there.
  prepareRun(run, configuration, values.resume || values.profile);
  const data = dataOf(run, configuration, values.data);
  if (engine === 'tfjs') return trainRun({ run, data, backend, steps, checkpointSeconds: seconds });
  const more = [
    ...(fitted ? ['--seconds', String(fitted)] : []),
    ...(steps ? ['--steps', String(steps)] : []),
    ...['--checkpoint-seconds', String(seconds)],
    ...(values.profile ? ['--profile'] : []),
  ];
  const options = { run, data, processes: positive('processes', values.processes) ?? 1, more };
  if (values['dry-run']) console.log(`python ${torchCommand(options).join(' ')}`);
  else await trainByTorch(options);
});
