/**
 * Trains the published model on your own pictures, in one folder an expression:
 * npm run retrain -- --root my-pictures [--out models/mine] [--work runs/mine] [--face auto|whole] [--resume]
 *   [--config scripts/train/configs/fine-tuning.json] [--engine torch|tfjs]
 *
 * prepare-data, train and publish-model in one: a tenth of each class chooses the weights, another tenth measures them.
 * After a stop, --resume goes on.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { MienError } from '../../src/model/errors.js';
import { runCommand } from '../lib/child.js';
import { main } from '../lib/main.js';
import { findPython } from '../lib/python.js';

const script = (name: string) => join('scripts', 'train', `${name}.ts`);

main(async () => {
  const { values } = parseArgs({
    options: {
      root: { type: 'string' },
      out: { type: 'string', default: 'models/mine' },
      work: { type: 'string' },
      face: { type: 'string', default: 'auto' },
      config: { type: 'string', default: 'scripts/train/configs/fine-tuning.json' },
      engine: { type: 'string' },
      resume: { type: 'boolean', default: false },
    },
  });
  const { root, out, face, config, resume } = values;
  if (!root) throw new MienError('invalid_data', 'usage: retrain --root FOLDER [--out FOLDER] [--resume]');
  const work = values.work ?? join('runs', basename(out));
  const [data, run] = [join(work, 'data'), join(work, 'run')];
  if (existsSync(out))
    throw new MienError('invalid_data', `${out} is there already: --out names another model`);
  if (existsSync(run) && !resume)
    throw new MienError('invalid_data', `${run} holds a run: --resume goes on with it, --work names another`);
  // What a run learns from must not change under it.
  if (!existsSync(run))
    await runCommand(script('prepare'), ['folder', '--root', root, '--face', face, '--out', data]);
  const engine = values.engine ?? (findPython() ? 'torch' : 'tfjs');
  const train = ['--config', config, '--data', data, '--run', run, '--engine', engine];
  await runCommand(script('train'), existsSync(run) ? [...train, '--resume'] : train);
  await runCommand(script('publish'), ['--run', run, '--data', data, '--version', '1.0.0', '--out', out]);
  console.log(`MODEL=${out} npm start   # serves it`);
});
