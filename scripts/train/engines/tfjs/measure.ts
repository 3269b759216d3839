import type { Architecture } from '../../../../src/model/architecture.js';
import type { Backend } from '../../../../src/model/backends/index.js';
import { enlarge } from '../../../../src/model/enlarge.js';
import { LABELS } from '../../../../src/model/labels.js';
import { plan } from '../../../../src/model/plan/planner.js';
import type { Weights } from '../../../../src/model/weights.js';
import { cropsOf, type DataSet } from '../../data/pack.js';

/** Crops of one pass. */
const BATCH = 32;

/** How well weights do on rows of a data set, through the plan. Ratios are 0 to 1, the loss is a mean. */
export function measureWeights(
  backend: Backend,
  architecture: Architecture,
  weights: Weights,
  set: DataSet,
  rows: readonly number[],
): { accuracy: number; recall: number; loss: number } {
  const runner = backend.compile(plan(architecture, weights));
  const [found, count] = [LABELS.map(() => 0), LABELS.map(() => 0)];
  let loss = 0;
  for (let from = 0; from < rows.length; from += BATCH) {
    const batch = rows.slice(from, from + BATCH);
    const logits = runner.run(enlarge(cropsOf(set.images, batch), architecture.side), batch.length);
    batch.forEach((row, at) => {
      const own = logits.subarray(at * LABELS.length, (at + 1) * LABELS.length);
      const highest = Math.max(...own);
      const label = set.labels[row] as number;
      count[label] = (count[label] as number) + 1;
      if (own.indexOf(highest) === label) found[label] = (found[label] as number) + 1;
      const sum = own.reduce((total, logit) => total + Math.exp(logit - highest), 0);
      loss += Math.log(sum) + highest - (own[label] as number);
    });
  }
  runner.dispose();
  const recalls = found.flatMap((hits, label) =>
    count[label] === 0 ? [] : [hits / (count[label] as number)],
  );
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  return {
    // Rounded as a checkpoint keeps it, so that a resumed run compares what a whole one does.
    accuracy: Math.fround(sum(found) / rows.length),
    recall: sum(recalls) / recalls.length,
    loss: loss / rows.length,
  };
}
