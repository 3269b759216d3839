import { stringify } from 'yaml';
import type { Architecture } from '../../src/model/architecture.js';
import { networkCost } from '../../src/model/cost.js';
import { LABELS } from '../../src/model/labels.js';
import { LEAST_TO_CALIBRATE } from './calibrate.js';
import { trainingCost } from './cost-of-training.js';
import type { Metrics } from './metrics.js';
import type { MetricsFile } from './metrics-files.js';
import { type AboutSet, dataText, origins } from './model-card-data.js';
import type { Evaluation } from './scoring.js';
import type { Training } from './training-record.js';

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
  /** Before that, so much of the logarithms of the labels' shares of Training was added; older models lack it. */
  prior?: number;
  /** What the scores are rid of (architecture.json has it too); older models lack it. */
  smoothing?: number;
  splits: { public: Evaluation; private: Evaluation; test: Evaluation };
  training: Training & {
    /** SHA-256 of the packed images, and of these with labels and splits; older models lack the latter. */
    data: string;
    rows?: string;
    /** Which data set it is, by the name that prepare-data gave it. */
    dataName: string;
    /** Older models lack it. */
    set?: AboutSet;
  };
}

const percent = (ratio: number | null) => (ratio === null ? '-' : (100 * ratio).toFixed(2));

function figures({ splits, training }: ModelMetrics, elsewhere: MetricsFile[]) {
  const own = [
    { name: 'PublicTest, which chose the weights', metrics: splits.public },
    { name: 'PrivateTest', metrics: splits.private },
    { name: 'PublicTest and PrivateTest', metrics: splits.test },
    {
      name: 'PublicTest and PrivateTest without copies of training images',
      metrics: splits.test.withoutCopies,
    },
  ].map((row) => ({ data: training.dataName, ...row }));
  const others = elsewhere.flatMap(({ data, results }) =>
    results.map(({ on, ...metrics }) => ({ data: data.name, name: on, metrics })),
  );
  return [...own, ...others].filter(({ metrics }) => metrics.count > 0);
}

function accuracyTable(metrics: ModelMetrics, elsewhere: MetricsFile[]): string {
  const rows = figures(metrics, elsewhere).map(
    ({ data, name, metrics: { count, accuracy, macroRecall, ece } }) =>
      `| ${data} | ${name} | ${count} | ${percent(accuracy)} | ${percent(macroRecall)} | ${ece.toFixed(3)} |`,
  );
  return [
    '| data | on | images | accuracy % | macro recall % | ECE |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function classTable({ splits: { test } }: ModelMetrics): string {
  const rows = LABELS.map((label) => {
    const { support, precision, recall } = test.perClass[label];
    return `| ${label} | ${support} | ${percent(precision)} | ${percent(recall)} |`;
  });
  return ['| expression | images | precision % | recall % |', '|---|---|---|---|', ...rows].join('\n');
}

/** The five most frequent mistakes, as shares of the true class. */
function confusions({ confusion, perClass }: Metrics): string {
  const mistakes = LABELS.flatMap((truth, t) =>
    LABELS.flatMap((answer, a) => {
      const count = confusion[t]?.[a] ?? 0;
      return t === a || count === 0 ? [] : [{ truth, answer, share: count / perClass[truth].support }];
    }),
  );
  mistakes.sort((a, b) => b.share - a.share);
  const lines = mistakes
    .slice(0, 5)
    .map(({ truth, answer, share }) => `- ${truth} taken for ${answer}: ${percent(share)} % of ${truth}`);
  return lines.length > 0 ? lines.join('\n') : 'None.';
}

function elsewhereText({ training }: ModelMetrics, elsewhere: MetricsFile[]): string {
  if (training.dataName !== 'fer2013') return '';
  if (elsewhere.length > 0)
    return '\n\nThe rows of other data sets are zero-shot: nothing was trained, chosen or calibrated on them.';
  return `\n\nOn other data sets it has not been measured here: CK+ needs a signed agreement and JAFFE may not be redistributed, so
neither can be shipped. Who has them measures it by \`npm run protocol -- zero-shot --data data/ckplus\`.`;
}

function costText(metrics: ModelMetrics): string {
  const { images, hours, hardware } = trainingCost(metrics.training);
  return [
    `- pictures seen: ${images === null ? 'not recorded' : images.toLocaleString('en')}`,
    `- time: ${hours === null ? 'not recorded by this run' : `${hours.toFixed(2)} hours`}`,
    `- hardware: ${hardware ?? 'not recorded by this run'}`,
  ].join('\n');
}

function calibrationText({
  splits: { public: shown, test },
  temperature,
  prior,
  smoothing = 0,
}: ModelMetrics): string {
  const { withoutCopies } = test;
  const without = withoutCopies.count > 0 ? `, ${withoutCopies.ece.toFixed(3)} without copies` : '';
  const error = `The expected
calibration error (15 bins) is ${test.ece.toFixed(3)} on the test images${without}`;
  if (shown.count < LEAST_TO_CALIBRATE)
    return `The scores are not calibrated: PublicTest's ${shown.count} faces are too few to calibrate on. ${error}.`;
  const given =
    prior === undefined ? '' : ` and ${prior.toFixed(2)} of the labels' logarithmic shares of Training`;
  const rid =
    smoothing > 0
      ? `, and by taking a seventh of ${smoothing} from each, as smoothed labels had taught it (architecture.json)`
      : '';
  return `The scores are calibrated by a temperature of ${temperature.toFixed(3)}${given}, fitted on PublicTest and folded into the weights${rid}. ${error}: of the answers that get a score of 0.8,
about 0.8 are right, on pictures such as these.`;
}

/** The front matter that Hugging Face reads, the results as its model-index has them. */
function frontMatter(metrics: ModelMetrics, elsewhere: MetricsFile[]): string {
  const { name, training } = metrics;
  const value = (number: number) => Number(number.toFixed(4));
  const results = figures(metrics, elsewhere).map(({ data: set, name: on, metrics: measured }) => ({
    task: { type: 'image-classification', name: 'Facial expression recognition' },
    dataset: { type: set, name: set, split: on },
    metrics: [
      { type: 'accuracy', value: value(measured.accuracy) },
      { type: 'recall', value: value(measured.macroRecall), name: 'Macro recall' },
      { type: 'expected_calibration_error', value: value(measured.ece) },
    ],
  }));
  return stringify({
    license: 'mit',
    pipeline_tag: 'image-classification',
    library_name: 'mien',
    tags: ['facial-expression-recognition', 'tfjs', 'safetensors'],
    datasets: [training.dataName],
    metrics: ['accuracy', 'recall'],
    'model-index': [{ name, results }],
  });
}

/**
 * The model card in the Hugging Face form.
 * @param elsewhere what the very weights gave on other data sets: metrics files of `zero-shot`
 */
export function modelCard(metrics: ModelMetrics, arch: Architecture, elsewhere: MetricsFile[] = []): string {
  const { parameters, macs } = networkCost(arch);
  const { test } = metrics.splits;
  const groups =
    metrics.training.dataName === 'fer2013' ? ': FER2013 does not say who is in its pictures' : '';
  return `---
${frontMatter(metrics, elsewhere)}---
# ${metrics.name} ${metrics.version}

The improved ERFNet of Table 1 (grouped, factorised convolutions, attention over ASPP) at side ${arch.side}:
${parameters.toLocaleString('en')} parameters, ${(macs / 1e9).toFixed(3)} GMAC a face. It gives seven scores for a 48×48 grey picture of one face:
${LABELS.join(', ')}.

## Intended use
Telling how the expression of a face in a picture would commonly be called: sorting pictures, research on expression
recognition, interfaces that a person chose and can switch off.

An expression is an appearance, not a feeling: do not use the scores as evidence of what a person feels, intends or is.

Excluded:
- decisions about people: hiring, marking, credit, insurance, policing, diagnosis;
- inferring emotions at work or in education, which the EU AI Act prohibits (article 5(1)(f)) other than for medical or
  safety reasons;
- watching people who do not know of it, and telling lies, pain, illness or intent;
- pictures that are no faces, and faces in profile, covered or much smaller than a crop's 48 pixels: the scores sum 1
  whatever is shown.

## Data
${dataText(metrics)}

## Accuracy
Computed on the ${metrics.backend} plan as served, without test-time averaging.

${accuracyTable(metrics, elsewhere)}${elsewhereText(metrics, elsewhere)}

By expression, on the ${test.count} test images:

${classTable(metrics)}

How it does for groups of people, by age, sex or skin, has not been measured${groups}.

## Known confusions
${confusions(test)}

## Calibration
${calibrationText(metrics)}

## Training
${costText(metrics)}
- commit: ${metrics.training.commit}, ${metrics.training.history.at(-1)?.epoch ?? 0} epochs; configuration and history: \`metrics.json\`
${origins(metrics).length > 0 ? '\nThis is the last run alone; those of the weights that it went on from, or was taught by, come on top.\n' : ''}`;
}
