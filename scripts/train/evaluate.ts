/**
 * Scores a published model, or a run's best weights, and measures:
 * npm run evaluate -- --model models/mien-v1 --data data/fer2013 --split test [--backend wasm] [--limit N] [--json FILE]
 * npm run evaluate -- --run runs/resnet-1 --split test [--tta flip|ten-crop] --json docs/metrics/baselines/resnet-1.json
 *
 * Networks of ours are scored through the plan as served; baselines, which are never served, by torch in float32.
 */
import { parseArgs } from 'node:util';
import { BACKEND_NAMES, type BackendName } from '../../src/model/backends/index.js';
import { MienError } from '../../src/model/errors.js';
import { main } from '../lib/main.js';
import { readDataSet, rowsOf } from './data/pack.js';
import { formatMetrics } from './metrics.js';
import { type MetricsFile, writeMetricsFile } from './metrics-files.js';
import { oneOf, positive } from './options.js';
import { TEST_PARTS } from './protocols/fer2013.js';
import type { Part } from './protocols/protocol.js';
import { metricsOf, testedRows } from './protocols/tested.js';
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

main(async () => {
  const { values } = parseArgs({
    options: {
      model: { type: 'string' },
      run: { type: 'string' },
      data: { type: 'string', default: 'data/fer2013' },
      split: { type: 'string', default: 'test' },
      backend: { type: 'string', default: 'wasm' },
      tta: { type: 'string', default: 'none' },
      limit: { type: 'string' },
      json: { type: 'string' },
    },
  });
  if (values.model && values.run) throw new MienError('invalid_data', '--model or --run, not both');
  const split = oneOf('split', values.split, ['public', 'private', 'test']);
  const backend: BackendName = oneOf('backend', values.backend, BACKEND_NAMES);
  const tta = oneOf('tta', values.tta, TTA);
  const limit = positive('limit', values.limit);
  const { index, ...set } = readDataSet(values.data);
  const subject = await openSubject(values.run ?? values.model ?? 'models/mien-v1', backend);
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
});
