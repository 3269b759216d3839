import type { Architecture } from '../../src/model/architecture.js';
import { LABELS } from '../../src/model/labels.js';
import { parameterShapes } from '../../src/model/parameters.js';
import type { Evaluation } from './scoring.js';

/** What `metrics.json` holds. */
export interface ModelMetrics {
  name: string;
  version: string;
  /** SHA-256 of weights.safetensors. */
  weights: string;
  /** What the scores were computed on. */
  backend: string;
  /** The logits as trained were divided by this, fitted on PublicTest; the weights hold the quotient. */
  temperature: number;
  splits: { public: Evaluation; private: Evaluation; test: Evaluation };
  training: {
    /** SHA-256 of the packed images. */
    data: string;
    /** Which data set it is, by the name that prepare-data gave it. */
    dataName: string;
    commit: string;
    config: unknown;
    /** One row an epoch: loss on Training, accuracy and loss on PublicTest. */
    history: unknown[];
  };
}

const percent = (ratio: number | null) => (ratio === null ? '-' : (100 * ratio).toFixed(2));

function accuracyTable({ splits }: ModelMetrics): string {
  const row = (name: string, { accuracy, macroRecall, ece, count }: Omit<Evaluation, 'withoutCopies'>) =>
    `| ${name} | ${count} | ${percent(accuracy)} | ${percent(macroRecall)} | ${ece.toFixed(3)} |`;
  return [
    '| split | images | accuracy % | macro recall % | ECE |',
    '|---|---|---|---|---|',
    row('PublicTest (weights were chosen on it)', splits.public),
    row('PrivateTest', splits.private),
    row('PublicTest + PrivateTest', splits.test),
    row('the same, without copies of training images', splits.test.withoutCopies),
  ].join('\n');
}

function classTable({ splits: { test } }: ModelMetrics): string {
  const rows = LABELS.map((label) => {
    const { support, precision, recall } = test.perClass[label];
    return `| ${label} | ${support} | ${percent(precision)} | ${percent(recall)} |`;
  });
  return ['| expression | images | precision % | recall % |', '|---|---|---|---|', ...rows].join('\n');
}

/** The three most frequent mistakes, as shares of the true class. */
function confusions({ splits: { test } }: ModelMetrics): string {
  const mistakes = LABELS.flatMap((truth, t) =>
    LABELS.map((answer, a) => ({
      truth,
      answer,
      share: t === a ? 0 : (test.confusion[t]?.[a] ?? 0) / test.perClass[truth].support,
    })),
  );
  mistakes.sort((a, b) => b.share - a.share);
  return mistakes
    .slice(0, 3)
    .map(({ truth, answer, share }) => `${truth} taken for ${answer} (${percent(share)} %)`)
    .join(', ');
}

function parameters(arch: Architecture): number {
  return [...parameterShapes(arch)]
    .filter(([name]) => !name.includes('.running_'))
    .reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** Weights that start from others stand on those weights' data too. */
function data({ training }: ModelMetrics): string {
  const { init } = training.config as { init?: string | null };
  const start = init ? ' Training went on from earlier weights of this model.' : '';
  if (training.dataName !== 'fer2013')
    return `Trained on the data set \`${training.dataName}\` (SHA-256 of its images: \`${training.data}\`).${start}`;
  return `Trained on FER2013's Training images and labels (Goodfellow et al. 2013, from Kaggle, for research), with the FER+
votes (MIT) as a second target during training only. Nothing else, and no weights from elsewhere.${start} FER2013 was
gathered from web search; its labels are crowd-sourced and agree with people only about two times in three, its classes
and the people in it are unbalanced. On other data sets it has not been measured: CK+ and JAFFE may not be shipped, and
\`prepare-data\` reads them for who has them.`;
}

/** The results as Hugging Face's model-index has them. */
function modelIndex({ name, splits, training }: ModelMetrics): string {
  const metric = (type: string, value: number) => `      - type: ${type}\n        value: ${value.toFixed(4)}`;
  return `model-index:
- name: ${name}
  results:
  - task:
      type: image-classification
      name: Facial expression recognition
    dataset:
      type: ${training.dataName}
      name: ${training.dataName}, PublicTest and PrivateTest
      split: test
    metrics:
${[metric('accuracy', splits.test.accuracy), metric('recall', splits.test.macroRecall), metric('expected_calibration_error', splits.test.ece)].join('\n')}`;
}

/** The model card, in the Hugging Face form, from the measured metrics. */
export function modelCard(metrics: ModelMetrics, arch: Architecture): string {
  return `---
license: mit
pipeline_tag: image-classification
library_name: mien
tags: [facial-expression-recognition, tfjs, safetensors]
${modelIndex(metrics)}
---
# ${metrics.name} ${metrics.version}

The improved ERFNet of Table 1 (grouped, factorised convolutions, attention over ASPP) at side ${arch.side}:
${parameters(arch).toLocaleString('en')} parameters. It gives seven scores for a 48×48 grey picture of one face:
${LABELS.join(', ')}.

## Accuracy
Computed on the ${metrics.backend} plan as served, without test-time averaging. The scores are calibrated by a temperature of
${metrics.temperature.toFixed(3)}, fitted on PublicTest and folded into the weights.

${accuracyTable(metrics)}

${classTable(metrics)}

Most frequent mistakes: ${confusions(metrics)}.

## Data
${data(metrics)}

## Intended use
Telling how the expression of a face in a picture would commonly be called.

An expression is an appearance, not a feeling: do not use the scores as evidence of what a person feels, intends or is.
Not for decisions about people, and not for emotion inference at work or in education, which the EU AI Act prohibits
(article 5(1)(f)) other than for medical or safety reasons.

## Training
Commit ${metrics.training.commit}, ${metrics.training.history.length} epochs. Configuration and history of every epoch: \`metrics.json\`.
`;
}
