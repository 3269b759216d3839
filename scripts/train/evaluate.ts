import { Option } from '@commander-js/extra-typings';
import { main, npmCommand } from '../lib/command.js';
import { backendOption, DATA_OPTION, positive } from '../lib/options.js';
import { readDataSet, rowsOf } from './data/pack.js';
import { formatMetrics } from './metrics.js';
import { type MetricsFile, writeMetricsFile } from './metrics-files.js';
import { TEST_PARTS } from './protocols/fer2013.js';
import type { Part } from './protocols/protocol.js';
import { metricsOf, testedRows } from './protocols/tested.js';
import { refuseOtherData } from './run-data.js';
import { spread } from './scoring.js';
import { openSubject, scoreCalibrated } from './subject.js';
import { TTA } from './tta.js';

/** What each split measures, the headline first. */
const SPLIT_PARTS: Record<'public' | 'private' | 'test', readonly Part[]> = {
  public: TEST_PARTS.filter(({ on }) => on.startsWith('PublicTest,')),
  private: TEST_PARTS.filter(({ on }) => on === 'PrivateTest'),
  test: TEST_PARTS,
};

const PROTOCOL = {
  name: 'held-out',
  about: 'The data set’s own splits, by weights that were chosen and calibrated on its PublicTest.',
  leaks: null,
};

function say(metrics: MetricsFile): void {
  console.log(formatMetrics(metrics.results[0] as MetricsFile['results'][0]));
  for (const { on, accuracy, macroRecall, count } of metrics.results.slice(1))
    console.log(
      `${on}: accuracy ${accuracy.toFixed(4)}, macro recall ${macroRecall.toFixed(4)}, ${count} faces`,
    );
}

const command = npmCommand('evaluate')
  .description(
    "Scores a published model, or a run's best weights, and measures, on the data set that it has learned from: `npm run protocol -- zero-shot` measures it on others. Networks of ours are scored through the plan as served; baselines, which are never served, by torch in float32.",
  )
  .addOption(new Option('--model <folder>', 'the model').default('models/mien-v1').conflicts('run'))
  .option('--run <folder>', 'a run in place of a model')
  .option(...DATA_OPTION, 'data/fer2013')
  .addOption(
    new Option('--split <name>', 'what is scored; test is public and private together')
      .choices(['public', 'private', 'test'] as const)
      .default('test' as const),
  )
  .addOption(backendOption('what the plan computes on'))
  .addOption(
    new Option('--tta <views>', 'test-time averaging, which is not what is served')
      .choices(TTA)
      .default('none' as const),
  )
  .option('--limit <n>', 'score so many pictures, spread evenly', positive)
  .option('--json <file>', 'write a metrics file');

async function evaluate(values: ReturnType<typeof command.opts>): Promise<void> {
  const { split, backend, tta, limit } = values;
  const { index, ...set } = readDataSet(values.data);
  const folder = values.run ?? values.model;
  refuseOtherData(folder, values.data, index);
  const subject = await openSubject(folder, backend);
  const parts = SPLIT_PARTS[split];
  const rows = spread(testedRows(parts, set), limit);
  const fitting = spread(rowsOf(set, 'PublicTest'), limit);
  const { scores, calibration } = await scoreCalibrated(subject, set, { rows, fitting, tta });
  const fold = { name: split, set, rows, scores, calibration, weights: subject.weights };
  const metrics = metricsOf({
    subject,
    name: subject.name,
    protocol: PROTOCOL,
    parts,
    index,
    tta,
    trial: limit !== undefined,
    folds: [fold],
  });
  console.log(
    [
      `${subject.name} ${subject.version ?? '(run)'}`,
      `${split}${limit ? `, ${limit} spread evenly` : ''}`,
      `${subject.scored.by} on ${subject.scored.on}`,
      ...(tta === 'none' ? [] : [`${tta} averaging: not what is served`]),
    ].join(', '),
  );
  say(metrics);
  if (values.json) writeMetricsFile(values.json, metrics);
}

main(command.action(evaluate));
