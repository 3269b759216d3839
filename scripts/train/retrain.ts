import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MienError } from '../../src/model/errors.js';
import { runCommand } from '../lib/child.js';
import { main, npmCommand } from '../lib/command.js';
import { engineOption, faceOption, SKIP_UNREADABLE_OPTION } from '../lib/options.js';
import { findPython } from '../lib/python.js';
import { begunBy } from './run.js';

const script = (name: string) => join('scripts', 'train', `${name}.ts`);

const command = npmCommand('retrain')
  .description(
    'Trains the published model on your own pictures, in one folder an expression: prepare-data, train and publish-model in one. A tenth of each class chooses the weights, another tenth measures them. It trains by torch where that is installed.',
  )
  .requiredOption('--root <folder>', 'the pictures')
  .option('--out <folder>', 'the model', 'models/mine')
  .option('--work <folder>', "where data and run lie (default: runs/, and the model's name)")
  .addOption(faceOption().default('auto' as const))
  .option(...SKIP_UNREADABLE_OPTION)
  .option('--config <file>', 'the recipe', 'scripts/train/configs/fine-tuning.json')
  .addOption(engineOption())
  .option('--resume', 'go on after a stop');

async function retrain(values: ReturnType<typeof command.opts>): Promise<void> {
  const { root, out, face, skipUnreadable, config, resume } = values;
  const work = values.work ?? join('runs', basename(out));
  const [data, run] = [join(work, 'data'), join(work, 'run')];
  if (existsSync(out))
    throw new MienError('invalid_data', `${out} is there already: --out names another model`);
  const [begun] = begunBy(run);
  // A run that has ended may be without its checkpoint.
  const learned = begun !== undefined || existsSync(join(run, 'history.jsonl'));
  if (learned && !resume)
    throw new MienError('invalid_data', `${run} holds a run: --resume goes on with it, --work names another`);
  // What a run learns from must not change under it.
  if (learned) console.error(`goes on with the pictures packed in ${data}; others need another --work`);
  else {
    const pictures = ['--root', root, '--face', face, ...(skipUnreadable ? ['--skip-unreadable'] : [])];
    await runCommand(script('prepare'), ['folder', ...pictures, '--out', data]);
  }
  const engine = values.engine ?? begun ?? (findPython() ? 'torch' : 'tfjs');
  const train = ['--config', config, '--data', data, '--run', run, '--engine', engine];
  await runCommand(script('train'), begun ? [...train, '--resume'] : train);
  await runCommand(script('publish'), ['--run', run, '--data', data, '--version', '1.0.0', '--out', out]);
  console.log(`MODEL=${out} npm start   # serves it`);
}

main(command.action(retrain));
