/**
 * Scores a model through the plan as served:
 * npm run evaluate -- --model models/mien-v1 --data data/fer2013 --split test --backend wasm [--limit N] [--json FILE]
 */
import { parseArgs } from 'node:util';
import { loadModel } from '../../src/assets/node-model.js';
import { BACKEND_NAMES, type BackendName } from '../../src/model/backends/index.js';
import { MienError } from '../../src/model/errors.js';
import { sha256, writeAtomically } from '../lib/files.js';
import { main } from '../lib/main.js';
import { readDataSet, rowsOf } from './data/pack.js';
import { formatMetrics } from './metrics.js';
import { oneOf } from './options.js';
import { EVALUATION_SPLITS, type EvaluationSplit, measureRows, score, spread } from './scoring.js';

function positive(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(value))
    throw new MienError('invalid_data', `--${name} is "${value}", not a positive number`);
  return Number(value);
}

main(async () => {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'models/mien-v1' },
      data: { type: 'string', default: 'data/fer2013' },
      split: { type: 'string', default: 'test' },
      backend: { type: 'string', default: 'wasm' },
      limit: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const split = oneOf('split', values.split, Object.keys(EVALUATION_SPLITS) as EvaluationSplit[]);
  const backend: BackendName = oneOf('backend', values.backend, BACKEND_NAMES);
  const limit = positive('limit', values.limit);
  const model = await loadModel(values.model);
  const set = readDataSet(values.data);
  const rows = spread(rowsOf(set, ...EVALUATION_SPLITS[split]), limit);
  const evaluation = measureRows(set, rows, await score(model, backend, set, rows));
  console.log(
    `${model.name} ${model.version}, ${split}${limit ? `, ${limit} spread evenly` : ''}, ${backend}`,
  );
  console.log(formatMetrics(evaluation));
  const { withoutCopies } = evaluation;
  console.log(
    `without copies of training images: accuracy ${withoutCopies.accuracy.toFixed(4)}, ` +
      `macro recall ${withoutCopies.macroRecall.toFixed(4)}, ${withoutCopies.count} faces`,
  );
  if (values.json) {
    const subject = { name: model.name, version: model.version, weights: sha256(model.weights) };
    const report = { model: subject, data: set.index.images, split, backend, ...evaluation };
    writeAtomically(values.json, `${JSON.stringify(report, null, 2)}\n`);
  }
});
