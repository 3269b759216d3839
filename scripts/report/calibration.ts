import { reliabilityFigure } from './figures.js';
import type { Inputs } from './inputs.js';
import { picture, type Section, table } from './markdown.js';

/** Whether a score of 0.8 is right four times in five. */
export function calibrationSection({ models }: Inputs): Section {
  const [{ title, metrics }] = models;
  const rows = models.map((model) => {
    const { test, private: hidden } = model.metrics.splits;
    const { temperature, prior = 0, smoothing = 0 } = model.metrics;
    return [model.title, temperature, prior, smoothing, test.ece, hidden.ece, test.withoutCopies.ece].map(
      (value) => (typeof value === 'number' ? value.toFixed(3) : value),
    );
  });
  return {
    figures: { reliability: reliabilityFigure(metrics.splits.test.reliability) },
    text: `## Calibration

Expected calibration error in 15 bins. Logits become (logit + prior × log of the
label's share of Training) / temperature; both are fitted on PublicTest and folded into the weights. So is the smoothing: a seventh of it is taken from every
score, since labels smoothed in training keep sure answers from saying so; architecture.json has it.

${table(['model', 'temperature', 'prior', 'smoothing', 'ECE, all test images', 'PrivateTest', 'without copies'], rows)}

${picture('reliability', `Share of ${title}'s answers that is right, by their score`)}
`,
  };
}
