/**
 * Writes docs/REPORT.md and its drawings from the published models' metrics.json alone: npm run report [-- --out docs]
 *
 * The paper's tables and figures stand beside ours. What has not been measured says so, and why.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../src/assets/node.js';
import { parseArchitecture } from '../src/model/architecture.js';
import { networkCost } from '../src/model/cost.js';
import { LABELS } from '../src/model/labels.js';
import { writeAtomically } from './lib/files.js';
import { main } from './lib/main.js';
import { confusionFigure, curveFigure, precisionRecallFigure, reliabilityFigure } from './report/figures.js';
import { PAPER_CK_PRECISION, PAPER_FER2013, PAPER_JAFFE, PAPER_TABLE_4 } from './report/paper.js';
import type { ModelMetrics } from './train/model-card.js';

interface Epoch {
  epoch: number;
  loss: number;
  publicAccuracy: number;
  publicLoss: number;
}

const percent = (ratio: number | null) => (ratio === null ? '-' : (ratio * 100).toFixed(2));
const table = (header: string[], rows: (string | number)[][]) =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
const counts = (confusion: number[][]) =>
  table(
    ['truth \\ answer', ...LABELS],
    confusion.map((row, truth) => [LABELS[truth] as string, ...row]),
  );
const picture = (name: string, what: string) => `![${what}](report/${name}.svg)`;

/** Accuracy and macro recall of a confusion matrix. */
function summary(confusion: number[][]): { accuracy: number; macroRecall: number } {
  const sums = confusion.map((row) => row.reduce((a, b) => a + b, 0));
  const hits = confusion.map((row, at) => row[at] as number);
  return {
    accuracy: hits.reduce((a, b) => a + b, 0) / sums.reduce((a, b) => a + b, 0),
    macroRecall: hits.reduce((sum, hit, at) => sum + hit / (sums[at] as number), 0) / hits.length,
  };
}

/** The drawings by name, and the text. */
function report(folder: string): { figures: Record<string, string>; text: string } {
  const metrics: ModelMetrics = JSON.parse(readFileSync(join(folder, 'metrics.json'), 'utf8'));
  const arch = parseArchitecture(JSON.parse(readFileSync(join(folder, 'architecture.json'), 'utf8')));
  const { public: shown, private: hidden, test } = metrics.splits;
  const history = metrics.training.history as Epoch[];
  const config = metrics.training.config as { init?: string | null };
  const name = `${metrics.name} ${metrics.version}`;
  const paper = summary(PAPER_FER2013);
  const cost = networkCost(arch);
  const figures = {
    'fer2013-paper': confusionFigure(PAPER_FER2013),
    'fer2013-ours': confusionFigure(test.confusion),
    'jaffe-paper': confusionFigure(PAPER_JAFFE),
    'training-loss': curveFigure(history, 'loss', 'loss on Training, augmented'),
    'validation-loss': curveFigure(history, 'publicLoss', 'loss on PublicTest'),
    'validation-accuracy': curveFigure(history, 'publicAccuracy', 'accuracy on PublicTest'),
    'precision-recall': precisionRecallFigure(test.perClass),
    ...(test.reliability && { reliability: reliabilityFigure(test.reliability) }),
  };
  const text = `# Report

Written by \`npm run report\` from \`models/${metrics.name}/metrics.json\`: ours is ${name}, scored on the ${metrics.backend} plan as
served, without test-time averaging. The weights were chosen on PublicTest; PrivateTest was read once.

## FER2013 (section 4.6, Tables 3 and 4)

${table(
  ['model', 'accuracy %', 'macro recall %', 'on'],
  [
    ...PAPER_TABLE_4.map(({ model, accuracy, macroRecall }) => [
      `${model} (paper)`,
      accuracy.toFixed(2),
      macroRecall.toFixed(2),
      'all 7178 test images',
    ]),
    [name, percent(test.accuracy), percent(test.macroRecall), `all ${test.count} test images`],
    [name, percent(shown.accuracy), percent(shown.macroRecall), 'PublicTest'],
    [name, percent(hidden.accuracy), percent(hidden.macroRecall), 'PrivateTest'],
    [
      name,
      percent(test.withoutCopies.accuracy),
      percent(test.withoutCopies.macroRecall),
      `the ${test.withoutCopies.count} that copy no training image`,
    ],
  ],
)}

The paper's "precision" is accuracy over all 7178 test images: the trace of its Table 3 is ${percent(paper.accuracy)} % of them, and
the mean of its rows' recalls ${percent(paper.macroRecall)} %. Table 3 exchanges "happy" and "sad", which the number of faces in its rows
tells; below they are put right. How the paper chose its weights it does not say. 568 of the test images are copies of
training images.

The paper's baselines, CNNs and ResNet, have not been trained by us yet.

### Table 3: the paper's

${counts(PAPER_FER2013)}

${picture('fer2013-paper', "The paper's confusion matrix on FER2013")}

### Table 3: ours

${counts(test.confusion)}

${picture('fer2013-ours', 'Our confusion matrix on FER2013')}

### Precision and recall (as Figure 8, which the paper draws for CK+)

${table(
  ['expression', 'faces', 'precision %', 'recall %'],
  LABELS.map((label) => {
    const { support, precision, recall } = test.perClass[label];
    return [label, support, percent(precision), percent(recall)];
  }),
)}

${picture('precision-recall', 'Our precision and recall by expression on FER2013')}

## Training (Figures 5 and 6)

${config.init ? `The last run alone, which went on from the weights published before (docs/experiments.md has those that came first).\n` : ''}
${picture('training-loss', 'Loss on Training by epoch')}
${picture('validation-loss', 'Loss on PublicTest by epoch')}
${picture('validation-accuracy', 'Accuracy on PublicTest by epoch')}

Accuracy on Training is not measured: the network only ever sees augmented pictures of it. The paper's curves reach about
90 % on its training set and lie flat after 25 epochs.

## Calibration

Expected calibration error in 15 bins: ${test.ece.toFixed(3)} on all test images, ${test.withoutCopies.ece.toFixed(3)} without copies.

${test.reliability ? picture('reliability', 'Share that is right by the score of the best label') : 'The bins were not stored when this model was measured.'}

## CK+ (section 4.4, Figure 8)

Not measured: CK+ needs a signed agreement and is no part of any repository. \`npm run prepare-data -- ckplus\` packs it for
who has it. The paper's precision, on 1,500 images drawn at random after augmentation, so that copies of one face stand on
both sides:

${table(
  ['expression', "paper's precision %"],
  LABELS.map((label) => [label, PAPER_CK_PRECISION[label].toFixed(2)]),
)}

## JAFFE (section 4.5, Table 2)

Not measured: JAFFE may not be redistributed. \`npm run prepare-data -- jaffe\` packs it for who has it. The paper's matrix,
${percent(summary(PAPER_JAFFE).accuracy)} % of 213, by folds that it does not state:

${counts(PAPER_JAFFE)}

${picture('jaffe-paper', "The paper's confusion matrix on JAFFE")}

## Cost and ablation

${table(
  ['network', 'side', 'parameters', 'GMAC'],
  [[name, arch.side, cost.parameters.toLocaleString('en'), (cost.macs / 1e9).toFixed(3)]],
)}

The ablation of the paper's three claims (grouping, factorising, attention) has not been run in full yet.
`;
  return { figures, text };
}

main(async () => {
  const root = packageRoot();
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: join(root, 'docs') },
      model: { type: 'string', default: join(root, 'models', 'mien-v1') },
    },
  });
  const { figures, text } = report(values.model);
  for (const [name, drawing] of Object.entries(figures))
    writeAtomically(join(values.out, 'report', `${name}.svg`), drawing);
  writeAtomically(join(values.out, 'REPORT.md'), text);
  console.log(`${join(values.out, 'REPORT.md')}, ${readdirSync(join(values.out, 'report')).length} drawings`);
});
