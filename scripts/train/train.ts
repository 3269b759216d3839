/**
 * Trains a network:
 * npm run train -- --config scripts/train/configs/cpu.json --data data/fer2013 [--run runs/NAME] [--resume] [--dry-run]
 *   [--engine torch|tfjs] [--backend wasm|node|node-gpu]
 *
 * Writes the run's folder (architecture.json, config.json, commit.txt) and starts the engine, which needs no more than
 * that folder and the data. The torch engine is the fast one; --dry-run prints its command instead, for a machine without
 * Node. The tfjs engine needs no Python; --backend says what it computes on.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatArchitecture } from '../../src/model/architecture.js';
import { BACKEND_NAMES } from '../../src/model/backends/index.js';
import { MienError } from '../../src/model/errors.js';
import { table1 } from '../../src/model/table1.js';
import { commit } from '../lib/commit.js';
import { writeAtomically } from '../lib/files.js';
import { main } from '../lib/main.js';
import { findPython, TORCH_ENGINE } from '../lib/python.js';
import { formatBaseline } from './baseline.js';
import { readConfiguration } from './config.js';
import { CHECKPOINT, trainRun } from './engines/tfjs/train.js';
import { oneOf } from './options.js';

function prepareRun(run: string, configFile: string): void {
  const { architecture, ...recipe } = readConfiguration(configFile);
  const epochs = recipe.stages.reduce((sum, stage) => sum + stage.epochs, 0);
  if (!recipe.stages.some((stage) => stage.side === architecture.side))
    throw new MienError('invalid_data', `${configFile}: no stage trains at side ${architecture.side}`);
  const description =
    'baseline' in architecture ? formatBaseline(architecture) : formatArchitecture(table1(architecture));
  writeAtomically(join(run, 'architecture.json'), description);
  writeAtomically(join(run, 'config.json'), `${JSON.stringify(recipe, null, 2)}\n`);
  // The folder holds all that the engine needs, on whatever machine it runs.
  if (recipe.init) writeAtomically(join(run, 'init.safetensors'), readFileSync(recipe.init));
  recipe.distillation?.teachers.forEach((teacher, i) => {
    const place = join(run, 'teachers', `${i}`);
    writeAtomically(join(place, 'architecture.json'), readFileSync(join(teacher, 'architecture.json')));
    writeAtomically(join(place, 'weights.safetensors'), readFileSync(join(teacher, 'best.safetensors')));
  });
  writeAtomically(join(run, 'commit.txt'), `${commit()}\n`);
  console.log(`${run}: ${epochs} epochs`);
}

main(async () => {
  const { values } = parseArgs({
    options: {
      config: { type: 'string' },
      data: { type: 'string', default: 'data/fer2013' },
      run: { type: 'string' },
      resume: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      engine: { type: 'string', default: 'torch' },
      backend: { type: 'string', default: 'wasm' },
    },
  });
  if (!values.config)
    throw new MienError('invalid_data', 'usage: train --config FILE [--data FOLDER] [--run FOLDER]');
  const run = values.run ?? join('runs', basename(values.config, '.json'));
  const engineName = oneOf('engine', values.engine, ['torch', 'tfjs']);
  const backend = oneOf('backend', values.backend, BACKEND_NAMES);
  if (['checkpoint.pt', CHECKPOINT].some((file) => existsSync(join(run, file))) && !values.resume)
    throw new MienError('invalid_data', `${run} holds a run: --resume goes on with it, --run names another`);
  if (!values.resume) prepareRun(run, values.config);
  if (engineName === 'tfjs') return trainRun({ run, data: values.data, backend });
  const engine = [join(TORCH_ENGINE, 'train.py'), '--run', run, '--data', values.data, '--resume'];
  if (values['dry-run']) {
    console.log(`python ${engine.join(' ')}`);
    return;
  }
  const python = findPython();
  if (!python)
    throw new MienError('backend_unavailable', 'no Python has torch: npm run setup:torch installs it');
  const child = spawn(python, engine, { stdio: 'inherit' });
  const code = await new Promise((done) => child.on('close', done));
  if (code !== 0) throw new MienError('internal', `the torch engine ended with code ${code}`);
});
