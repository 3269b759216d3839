import { basename, join } from 'node:path';
import { MienError } from '../../src/model/errors.js';
import { main, npmCommand } from '../lib/command.js';
import {
  backendAsked,
  backendOption,
  DATA_OPTION,
  engineOption,
  nonNegative,
  positive,
  refuseOptionsOf,
} from '../lib/options.js';
import { type Configuration, readConfiguration } from './config.js';
import { torchCommand, trainByTorch } from './engines/torch.js';
import { hold } from './hold.js';
import { dataOf, prepareRun } from './run.js';

const command = npmCommand('train')
  .description(
    "Trains a network: writes the run's folder and starts the engine, which needs no more than that folder and the data.",
  )
  .requiredOption('--config <file>', 'what to train, such as scripts/train/configs/cpu.json')
  .option(...DATA_OPTION)
  .option('--run <folder>', "where the run lies (default: runs/, and the configuration's name)")
  .option('--resume', 'go on from its last checkpoint')
  .option('--steps <n>', 'stop after so many', positive)
  .option('--checkpoint-seconds <n>', 'between two checkpoints; 0 for one after every step', nonNegative, 60)
  .addOption(engineOption().default('torch' as const))
  .optionsGroup('Options of the torch engine:')
  .option(
    '--seconds <n>',
    'train as many epochs of its only stage as fit; config.json then has their number',
    positive,
  )
  .option('--processes <n>', 'share each batch, a GPU each', positive, 1)
  .option('--profile', 'measure some steps of each stage, and train nothing')
  .option('--dry-run', "print the engine's command, for a machine without Node")
  .optionsGroup('Options of the tfjs engine:')
  .addOption(backendOption('what it computes on'));

/** @throws {MienError} where options are asked for that the engine does not have */
function refuseOthersOptions(values: ReturnType<typeof command.opts>): void {
  const { engine, seconds, processes, profile, dryRun } = values;
  const asked = {
    '--seconds': seconds,
    '--processes': processes > 1,
    '--profile': profile,
    '--dry-run': dryRun,
  };
  const names = Object.entries(asked).flatMap(([name, given]) => (given ? [name] : []));
  refuseOptionsOf('torch', names, engine);
  refuseOptionsOf('tfjs', backendAsked(command), engine);
}

/**
 * As the engine does (torch/parallel.py), whose every process would say it.
 * @throws {MienError} where a batch cannot be shared: pairs of rows stay together
 */
function refuseBatches(stages: Configuration['stages'], processes: number): void {
  const uneven = stages.find(({ batch }) => processes > 1 && batch % (2 * processes) > 0);
  if (uneven)
    throw new MienError(
      'invalid_data',
      `a batch of ${uneven.batch} cannot be shared in pairs by ${processes} processes`,
    );
}

async function train(values: ReturnType<typeof command.opts>): Promise<void> {
  refuseOthersOptions(values);
  const { config, engine, steps, backend, processes, seconds, checkpointSeconds } = values;
  const run = values.run ?? join('runs', basename(config, '.json'));
  const configuration = readConfiguration(config);
  refuseBatches(configuration.stages, processes);
  const release = hold(run);
  // Profiling changes nothing, so a run may be there.
  prepareRun(run, configuration, { engine, resume: (values.resume || values.profile) ?? false });
  const data = dataOf(run, configuration, values.data);
  if (engine === 'tfjs') {
    const { trainRun } = await import('./engines/tfjs/train.js'); // tfjs takes a second to load
    return trainRun({ run, data, backend, steps, checkpointSeconds });
  }
  // The engine holds it itself, also where its command is started by hand.
  release();
  const more = [
    ...(seconds ? ['--seconds', String(seconds)] : []),
    ...(steps ? ['--steps', String(steps)] : []),
    ...['--checkpoint-seconds', String(checkpointSeconds)],
    ...(values.profile ? ['--profile'] : []),
  ];
  const options = { run, data, processes, more };
  if (values.dryRun) console.log(`python ${torchCommand(options).join(' ')}`);
  else await trainByTorch(options);
}

main(command.action(train));
