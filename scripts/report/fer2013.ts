import { MienError } from '../../src/model/errors.js';
import { LABELS } from '../../src/model/labels.js';
import type { MetricsFile } from '../train/metrics-files.js';
import { TEST_PARTS } from '../train/protocols/fer2013.js';
import type { Part } from '../train/protocols/protocol.js';
import { confusionFigure, precisionRecallFigure } from './figures.js';
import type { Inputs, Model } from './inputs.js';
import { counts, meanOf, percent, picture, type Section, summary, table } from './markdown.js';
import { PAPER_FER2013, PAPER_TABLE_4 } from './paper.js';

/** How a baseline of ours is called by the paper. */
const PAPER_NAMES: Record<string, string> = { parallel: 'CNNs', resnet: 'ResNet' };

const kindOf = ({ architecture }: MetricsFile) => PAPER_NAMES[String(architecture?.baseline)];

/** What measures a baseline that has not been measured, by the paper's name. */
const COMMANDS: Record<string, [train: string, evaluate: string]> = {
  CNNs: [
    'npm run sweep -- --file scripts/train/sweeps/baselines.json --only parallel',
    'npm run evaluate -- --run runs/baselines/parallel-1 --json docs/metrics/baselines/parallel.json',
  ],
  ResNet: [
    'npm run train -- --config scripts/train/configs/resnet.json',
    'npm run evaluate -- --run runs/resnet --json docs/metrics/baselines/resnet.json',
  ],
};

/** Runs of baselines, without those that average views. */
const runsOf = (files: Iterable<MetricsFile>, kind: string) =>
  [...files].filter((file) => kindOf(file) === kind && file.tta === 'none');

/** A baseline is compared on what the paper measures. */
function onAllTestImages({ name, results }: MetricsFile) {
  const [{ on }] = TEST_PARTS as [Part];
  const found = results.find((result) => result.on === on);
  if (!found) throw new MienError('invalid_data', `${name} was not measured on ${on}: evaluate --split test`);
  return found;
}

/** Table 4, the paper's figures beside ours. */
function table4({ models: [model], baselines }: Inputs): string {
  const rows = PAPER_TABLE_4.map(({ model: name, accuracy, macroRecall }) => {
    const paper = [name, accuracy.toFixed(2), macroRecall.toFixed(2)];
    if (name === "the paper's network") {
      const { test } = model.metrics.splits;
      return [...paper, model.title, percent(test.accuracy), percent(test.macroRecall)];
    }
    const runs = runsOf(baselines.values(), name);
    if (runs.length === 0) return [...paper, 'not measured', '-', '-'];
    const headline = runs.map(onAllTestImages);
    return [
      ...paper,
      runs.map((run) => run.name).join(', '),
      meanOf(headline.map((result) => result.accuracy)),
      meanOf(headline.map((result) => result.macroRecall)),
    ];
  });
  const header = [
    'model',
    "paper's accuracy %",
    "paper's macro recall %",
    'ours',
    'accuracy %',
    'macro recall %',
  ];
  const missing = Object.entries(COMMANDS)
    .filter(([kind]) => runsOf(baselines.values(), kind).length === 0)
    .map(
      ([kind, [train, evaluate]]) =>
        `\n${kind}: not measured yet. \`${train}\` trains it,\n\`${evaluate}\` measures it.\n`,
    );
  return `${table(header, rows)}\n${missing.join('')}`;
}

function modelRows({ title, metrics: { splits, backend } }: Model): string[][] {
  const { public: shown, private: hidden, test } = splits;
  return [
    { on: `all ${test.count} test images`, metrics: test },
    { on: 'PublicTest, which chose the weights', metrics: shown },
    { on: 'PrivateTest', metrics: hidden },
    { on: `the ${test.withoutCopies.count} that copy no training image`, metrics: test.withoutCopies },
  ].map(({ on, metrics }) => [
    backend === 'wasm' ? title : `${title} (plan on ${backend})`,
    on,
    percent(metrics.accuracy),
    percent(metrics.macroRecall),
    metrics.ece.toFixed(3),
  ]);
}

/** A run's figures; what is not as served says so. */
function fileRows(file: MetricsFile): string[][] {
  const how = [
    ...(file.scored.by === 'plan' ? [] : [`${file.scored.by}, ${file.scored.precision}`]),
    ...(file.tta === 'none' ? [] : [`${file.tta} averaging, not as served`]),
  ];
  const name = how.length > 0 ? `${file.name} (${how.join('; ')})` : file.name;
  return file.results.map(({ on, accuracy, macroRecall, ece }) => [
    name,
    on,
    percent(accuracy),
    percent(macroRecall),
    ece.toFixed(3),
  ]);
}

/** FER2013: Tables 3 and 4. */
export function fer2013Section(inputs: Inputs): Section {
  const [model] = inputs.models;
  const { test } = model.metrics.splits;
  const paper = summary(PAPER_FER2013);
  const own = [...inputs.protocols.values()].filter((file) => file.protocol.name === 'fer2013');
  const files = [...inputs.baselines.values(), ...own];
  return {
    figures: {
      'fer2013-paper': confusionFigure(PAPER_FER2013),
      'fer2013-ours': confusionFigure(test.confusion),
      'precision-recall': precisionRecallFigure(test.perClass),
    },
    text: `## FER2013 (section 4.6, Tables 3 and 4)

${table4(inputs)}
The paper's "precision" is accuracy over all 7178 test images: the trace of its Table 3 is ${percent(paper.accuracy)} % of them, and
the mean of its rows' recalls ${percent(paper.macroRecall)} %. Table 3 exchanges "happy" and "sad", which the number of faces in its rows
tells; below they are put right. How the paper chose its weights it does not say. 568 of the test images are copies of
training images.

Ours in full; weights are chosen and calibrated on PublicTest:

${table(
  ['network', 'on', 'accuracy %', 'macro recall %', 'ECE'],
  [...inputs.models.flatMap(modelRows), ...files.flatMap(fileRows)],
)}

### Table 3: the paper's

${counts(PAPER_FER2013)}

${picture('fer2013-paper', "The paper's confusion matrix on FER2013")}

### Table 3: ours

${counts(test.confusion)}

${picture('fer2013-ours', 'Our confusion matrix on FER2013')}

### Precision and recall

${table(
  ['expression', 'faces', 'precision %', 'recall %', "paper's recall %"],
  LABELS.map((label, at) => {
    const { support, precision, recall } = test.perClass[label];
    const row = PAPER_FER2013[at] as number[];
    const theirs = (row[at] as number) / row.reduce((a, b) => a + b, 0);
    return [label, support, percent(precision), percent(recall), percent(theirs)];
  }),
)}

${picture('precision-recall', 'Our precision and recall by expression on FER2013')}
`,
  };
}
