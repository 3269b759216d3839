import { LABELS } from '../../src/model/labels.js';
import type { MetricsFile } from '../train/metrics-files.js';
import { confusionFigure, precisionRecallFigure } from './figures.js';
import type { Inputs } from './inputs.js';
import { counts, percent, picture, type Section, summary, table } from './markdown.js';
import { PAPER_CK_PRECISION, PAPER_JAFFE } from './paper.js';

/** Protocols that train, on data sets by these names. */
const trained = ({ protocols }: Inputs, ...data: string[]) =>
  new Map(
    [...protocols].filter(([, file]) => data.includes(file.data.name) && file.protocol.name !== 'zero-shot'),
  );

const titleOf = ({ name, protocol }: MetricsFile) =>
  name === protocol.name ? name : `${protocol.name} (${name})`;

/** One row a result: the accuracy of all folds together, then the folds' mean and deviation. */
function protocolTable(files: MetricsFile[]): string {
  const rows = files.flatMap((file) =>
    file.results.map(({ on, count, accuracy, macroRecall, ece }, at) => {
      const { mean, deviation } = file.accuracy;
      const folds = at > 0 || deviation === null ? '-' : `${percent(mean)} ± ${percent(deviation)}`;
      const leaks = file.protocol.leaks ? `**leaks: ${file.protocol.leaks}**` : 'nothing';
      const where = `${file.data.name}, ${on}`;
      return [
        titleOf(file),
        where,
        count,
        percent(accuracy),
        folds,
        percent(macroRecall),
        ece.toFixed(3),
        leaks,
      ];
    }),
  );
  const header = [
    'protocol',
    'on',
    'images',
    'accuracy %',
    'folds %',
    'macro recall %',
    'ECE',
    'on both sides',
  ];
  return table(header, rows);
}

/** What the protocols are, each once. */
const abouts = (files: MetricsFile[]) =>
  [...new Set(files.map(({ protocol }) => `\`${protocol.name}\`: ${protocol.about}`))].join('\n\n');

/** CK+, Figure 8. */
export function ckplusSection(inputs: Inputs): Section {
  const files = [...trained(inputs, 'ckplus', 'ckplus48').values()];
  const like = files.find(({ protocol }) => protocol.name === 'ckplus-paper');
  const paper = Object.fromEntries(
    LABELS.map((label) => [label, { precision: PAPER_CK_PRECISION[label] / 100, recall: null }]),
  ) as Parameters<typeof precisionRecallFigure>[0];
  const ours = like?.results[0]?.perClass;
  return {
    figures: {
      'ckplus-paper': precisionRecallFigure(paper),
      ...(ours && { 'ckplus-ours': precisionRecallFigure(ours) }),
    },
    text: `## CK+ (section 4.4, Figure 8)

${
  files.length > 0
    ? `${protocolTable(files)}\n\n${abouts(files)}`
    : `Ours is not measured: CK+ needs a signed agreement and is no part of any repository. Who has it runs
\`npm run prepare-data -- ckplus --root … --out data/ckplus\`, then \`npm run protocol -- ckplus-10-fold\` (people apart) and
\`ckplus-paper\` (the paper's own, which leaks).`
}

The paper measures 1,500 images drawn at random after augmentation, so that copies of one face stand on both sides. It gives
precision, overall (88.81 %, in the abstract) and by expression; recall it only draws, without numbers:

${table(
  [
    'expression',
    "paper's precision %",
    ...(ours ? ["ours, the paper's protocol: precision %", 'recall %'] : []),
  ],
  LABELS.map((label) => [
    label,
    PAPER_CK_PRECISION[label].toFixed(2),
    ...(ours ? [percent(ours[label].precision), percent(ours[label].recall)] : []),
  ]),
)}

${picture('ckplus-paper', "The paper's precision by expression on CK+")}
${ours ? `${picture('ckplus-ours', "Our precision and recall by expression on CK+, by the paper's protocol")}\n` : ''}`,
  };
}

/** JAFFE, Table 2. */
export function jaffeSection(inputs: Inputs): Section {
  const files = trained(inputs, 'jaffe');
  const measured = [...files.values()];
  const figures: Record<string, string> = { 'jaffe-paper': confusionFigure(PAPER_JAFFE) };
  const matrices = [...files].map(([name, file]) => {
    const confusion = file.results[0]?.confusion ?? [];
    figures[name] = confusionFigure(confusion);
    return `### Table 2: ours, ${titleOf(file)}

${counts(confusion)}

${picture(name, `Our confusion matrix on JAFFE by ${file.protocol.name}`)}
`;
  });
  return {
    figures,
    text: `## JAFFE (section 4.5, Table 2)

${
  measured.length > 0
    ? `${protocolTable(measured)}\n\n${abouts(measured)}`
    : `Ours is not measured: JAFFE may not be redistributed. Who has it runs \`npm run prepare-data -- jaffe --root … --out data/jaffe\`,
then \`npm run protocol -- jaffe-by-subject\` (people apart) and \`jaffe-10-fold\` (people on both sides).`
}

### Table 2: the paper's

${percent(summary(PAPER_JAFFE).accuracy)} % of all 213; which pictures the network had learned from it does not say:

${counts(PAPER_JAFFE)}

${picture('jaffe-paper', "The paper's confusion matrix on JAFFE")}

${matrices.join('\n')}`.replace(/\n+$/, '\n'),
  };
}

/** Data sets that the weights have not seen. */
export function zeroShotSection({ protocols, models: [{ title }] }: Inputs): Section {
  const files = [...protocols.values()].filter(({ protocol }) => protocol.name === 'zero-shot');
  const rows = files.flatMap((file) =>
    file.results.map(({ on, count, accuracy, macroRecall, ece }) => [
      `${file.name} ${file.version ?? '(run)'}`,
      file.data.name,
      on,
      count,
      percent(accuracy),
      percent(macroRecall),
      ece.toFixed(3),
    ]),
  );
  return {
    figures: {},
    text: `## Zero-shot

${
  files.length > 0
    ? `${table(['weights', 'data', 'on', 'images', 'accuracy %', 'macro recall %', 'ECE'], rows)}\n\n${abouts(files)}`
    : `What ${title} knows of CK+ and JAFFE without training on them is not measured: neither may be shipped. Who has them runs
\`npm run protocol -- zero-shot --data data/ckplus\`.`
}
`,
  };
}
