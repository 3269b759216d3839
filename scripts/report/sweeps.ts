import { dirname } from 'node:path';
import { networkCost } from '../../src/model/cost.js';
import { table1 } from '../../src/model/table1.js';
import type { SweepRow } from '../train/metrics-files.js';
import { frontierFigure } from './figures.js';
import type { Inputs } from './inputs.js';
import { meanOf, percent, picture, type Section, table } from './markdown.js';

/** The paper's three claims, one after the other: each row has one thing more than the one before it. */
const ABLATION = [
  { name: 'plain', title: 'plain ERFNet, 3×3', options: { factorised: false, groups: 1, rates: null } },
  { name: 'factorised', title: '+ factorised, 3×1 and 1×3', options: { groups: 1, rates: null } },
  { name: 'grouped', title: '+ grouped', options: { groups: 4, rates: null } },
  { name: 'attention', title: '+ attention', options: { groups: 4 } },
] as const;

/** The sweeps that measure them: in full, and small and short. */
const ABLATIONS = ['ablation-full', 'ablation'];
/** Those with a section of their own. */
const APART = [...ABLATIONS, 'frontier'];

const counted = (parameters: number | null) => parameters?.toLocaleString('en') ?? '-';
const gigas = (macs: number | null) => (macs === null ? '-' : (macs / 1e9).toFixed(3));
const accuracyOf = (row: SweepRow) => meanOf(row.seeds.map(({ publicAccuracy }) => publicAccuracy));
const recallOf = (row: SweepRow) => meanOf(row.seeds.map(({ publicRecall }) => publicRecall));
const sideOf = (row: SweepRow) => String(row.architecture?.side ?? '-');

const MEASURED = ['side', 'parameters', 'GMAC', 'latency', 'accuracy %', 'macro recall %', 'seeds'];

function measured(row: SweepRow): string[] {
  return [
    sideOf(row),
    counted(row.parameters),
    gigas(row.macs),
    row.latency ? `×${row.latency.ratio.toFixed(2)}` : '-',
    accuracyOf(row),
    recallOf(row),
    row.seeds.map(({ seed }) => seed).join(', '),
  ];
}

const HOW = `Accuracy and macro recall are on PublicTest, of the epoch that it chose, as the engine measures them; of several seeds the
mean, and each in brackets. Latency is a face through the wasm plan as a multiple of the sweep's first row's, in turns.`;

/** What always answering "happy", the most frequent expression, gives on PublicTest: a row near it has hardly learned. */
function alwaysHappy({ models: [{ metrics }] }: Inputs): string {
  const { count, perClass } = metrics.splits.public;
  return percent(perClass.happy.support / count);
}

const originOf = ({ init }: { init: string | null }) =>
  init ? `went on from \`${dirname(init)}\`, as it was then,` : 'began from nothing';

/** How long a sweep's rows learned: as the first, where a row does not change it. */
function training(rows: SweepRow[], inputs: Inputs): string {
  const config = rows.find((row) => row.config)?.config;
  if (!config) return '';
  const stages = config.stages.map(({ epochs, side }) => `${epochs} epochs at side ${side}`).join(', then ');
  const pictures = config.images ? ` of ${config.images.toLocaleString('en')} pictures each` : '';
  return `Each row ${originOf(config)} and learned for ${stages}${pictures}, where it says nothing else; always answering "happy" gives ${alwaysHappy(inputs)} %.`;
}

function ablationTable(trained: SweepRow[]): string {
  const rows = ABLATION.map(({ name, title }) => {
    const row = trained.find((own) => own.name === name);
    return row
      ? [title, ...measured(row)]
      : [title, ...MEASURED.map((_, at) => (at === 4 ? 'not measured' : '-'))];
  });
  return table(['network', ...MEASURED], rows);
}

/** The ablation of the paper's claims: grouping, factorising, attention. */
export function ablationSection(inputs: Inputs): Section {
  const { sweeps } = inputs;
  const networks = ABLATION.map(({ title, options }) => {
    const { parameters, macs } = networkCost(table1({ side: 384, ...options }));
    return { title, parameters, macs };
  });
  const [first, last] = [networks[0], networks.at(-1)] as [(typeof networks)[0], (typeof networks)[0]];
  const tables = ABLATIONS.flatMap((name) => {
    const rows = sweeps.get(name);
    return rows ? [`${training(rows, inputs)}\n\n${ablationTable(rows)}`] : [];
  });
  return {
    figures: {},
    text: `## Ablation

The paper's claims, none of which it measures by itself: factorised blocks make ERFNet faster and lose less accuracy, grouping saves
parameters and time, attention makes it more accurate.
Counted at the paper's side, 384: with all three, ${percent(last.parameters / first.parameters)} % of the parameters and ${percent(last.macs / first.macs)} % of the multiply-accumulates.

${table(
  ['network, side 384', 'parameters', 'GMAC'],
  networks.map(({ title, parameters, macs }) => [title, counted(parameters), gigas(macs)]),
)}

${
  tables.length > 0
    ? `${HOW}\n\n${tables.join('\n\n')}`
    : `Accuracy and latency are not measured: the four networks have not been trained in full yet. Their metrics files go to
\`docs/metrics/sweeps/ablation-full/\`.`
}
`,
  };
}

/** Of the residual blocks, which all have the same. */
function groupsOf({ architecture }: SweepRow): string {
  const rows = (architecture?.rows ?? []) as { groups?: number }[];
  return String(rows.find(({ groups }) => groups)?.groups ?? '-');
}

const code = (text: string) => `\`${text}\``;

/** What the frontier's rows learned from; the table has how long. */
function goingOn(rows: SweepRow[]): string {
  const config = rows.find((row) => row.config)?.config;
  if (!config) return '';
  const taught = config.distillation
    ? `, taught by ${config.distillation.teachers.map(code).join(' and ')}`
    : '';
  return `Those with epochs ${originOf(config)} and learned for so many at their own side${taught}; they are not calibrated, as the published are.`;
}

const epochsOf = ({ config }: SweepRow) =>
  String(config?.stages.reduce((sum, { epochs }) => sum + epochs, 0) ?? '-');

/** Accuracy against milliseconds: networks of ours by side and groups, and what users could pick instead. */
export function frontierSection({ sweeps }: Inputs): Section {
  const rows = sweeps.get('frontier');
  if (!rows)
    return {
      figures: {},
      text: `## Accuracy against milliseconds

Not measured: networks of several sides and groups have not been trained in full yet. Their metrics files, and those of what
users could pick instead, go to \`docs/metrics/sweeps/frontier/\`.
`,
    };
  const points = rows
    .flatMap((row) => {
      const accuracy = row.seeds.reduce((sum, seed) => sum + seed.publicAccuracy, 0) / row.seeds.length;
      const { name, latency, architecture } = row;
      return latency ? [{ row, name, ...latency, accuracy, ours: architecture !== null }] : [];
    })
    .sort((a, b) => a.milliseconds - b.milliseconds);
  return {
    figures: { frontier: frontierFigure(points) },
    text: `## Accuracy against milliseconds

A face through wasm, one thread, batch 1, all measured in turns; the ratio is to the first published network's. Accuracy and macro
recall are on PublicTest, which chose ours. Ours are blue. ${goingOn(rows)}

${table(
  ['network', 'ms', 'ratio', 'side', 'groups', 'parameters', 'epochs', 'accuracy %', 'macro recall %'],
  points.map(({ row, name, milliseconds, ratio }) => [
    ...[name, milliseconds.toFixed(1), `×${ratio.toFixed(2)}`, sideOf(row), groupsOf(row)],
    ...[counted(row.parameters), epochsOf(row), accuracyOf(row), recallOf(row)],
  ]),
)}

${picture('frontier', 'Accuracy against milliseconds a face')}
`,
  };
}

/** What each choice of a network or a recipe does: every other sweep, row by row. */
export function choicesSection(inputs: Inputs): Section {
  const others = [...inputs.sweeps].filter(([name]) => !APART.includes(name));
  if (others.length === 0) return { figures: {}, text: '' };
  const parts = others.map(([name, rows]) => {
    const cells = rows.map((row) => [row.name, changesOf(row), ...measured(row)]);
    return `### ${name}\n\n${training(rows, inputs)}\n\n${table(['row', 'changes', ...MEASURED], cells)}`;
  });
  return { figures: {}, text: `## Choices, one by one\n\n${HOW}\n\n${parts.join('\n\n')}\n` };
}

const changesOf = ({ changes }: SweepRow) =>
  Object.entries(changes)
    .map(([path, value]) => `${path} = ${JSON.stringify(value)}`)
    .join('; ') || 'none';
