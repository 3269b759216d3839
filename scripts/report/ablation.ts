import { parseArchitecture } from '../../src/model/architecture.js';
import { networkCost } from '../../src/model/cost.js';
import { MienError } from '../../src/model/errors.js';
import { table1 } from '../../src/model/table1.js';
import type { MetricsFile } from '../train/metrics-files.js';
import { type Inputs, settingOf } from './inputs.js';
import { meanOf, percent, type Section, table } from './markdown.js';

/** The paper's three claims, one after the other: each row has one thing more than the one before it. */
export const ABLATION = [
  { name: 'plain', title: 'plain ERFNet, 3×3', options: { factorised: false, groups: 1, rates: null } },
  { name: 'factorised', title: '+ factorised, 3×1 and 1×3', options: { groups: 1, rates: null } },
  { name: 'grouped', title: '+ grouped', options: { groups: 4, rates: null } },
  { name: 'attention', title: '+ attention', options: { groups: 4 } },
] as const;

/** The row that a network belongs to, by its architecture. */
function rowOf(file: string, { architecture }: MetricsFile): string {
  const { rows } = parseArchitecture(architecture);
  const groups = Math.max(...rows.map((row) => ('groups' in row ? row.groups : 1)));
  const plain = rows.some(({ block }) => block === 'residual');
  const attention = rows.some(({ block }) => block === 'attention');
  if (rows.some(({ block }) => block === 'mix'))
    throw new MienError('invalid_data', `${file}.json is no row of the ablation: it mixes its groups`);
  const name = attention ? 'attention' : groups > 1 ? 'grouped' : plain ? 'plain' : 'factorised';
  if (attention && (groups === 1 || plain))
    throw new MienError('invalid_data', `${file}.json is no row of the ablation: attention, but no groups`);
  return name;
}

/** @throws {MienError} `invalid_data` where they differ: the rows would not compare */
function sideOf(files: Inputs['ablation']['files']): unknown {
  const sides = new Set([...files.values()].map(({ architecture }) => architecture?.side));
  if (sides.size > 1)
    throw new MienError('invalid_data', `docs/metrics/ablation has several sides: ${[...sides].join(', ')}`);
  return [...sides][0];
}

const gigas = (macs: number | null | undefined) => (macs ? (macs / 1e9).toFixed(3) : '-');
const thousands = (count: number | undefined) => count?.toLocaleString('en') ?? '-';

function measured({ files, latency }: Inputs['ablation'], setting: string): string {
  const byRow = (name: string) => [...files].filter(([file, own]) => rowOf(file, own) === name);
  const milliseconds = (name: string) => latency?.rows.find((row) => row.name === name)?.milliseconds;
  const first = milliseconds('plain');
  const rows = ABLATION.map(({ name, title }) => {
    const runs = byRow(name).map(([, file]) => file);
    const own = milliseconds(name);
    const results = runs.map((run) => run.results[0] as (typeof run.results)[0]);
    return [
      title,
      thousands(runs[0]?.cost?.parameters),
      gigas(runs[0]?.cost?.macs),
      first && own ? (own / first).toFixed(2) : 'not measured',
      runs.length > 0 ? meanOf(results.map(({ accuracy }) => accuracy)) : 'not measured',
      runs.length > 0 ? meanOf(results.map(({ macroRecall }) => macroRecall)) : '-',
      runs.map((run) => run.training?.config.seed ?? '-').join(', ') || '-',
    ];
  });
  return `On ${setting}, at side ${sideOf(files)}; of several seeds the mean, and each in brackets. ${
    latency
      ? `Latency is a share of the plain network's, measured in turns (${latency.command}; ${latency.machine}, ${latency.backend}).`
      : 'Latency has not been measured.'
  }

${table(['network', 'parameters', 'GMAC', 'latency', 'accuracy %', 'macro recall %', 'seeds'], rows)}`;
}

/** The ablation of the paper's claims: grouping, factorising, attention. */
export function ablationSection({ ablation }: Inputs): Section {
  const counted = ABLATION.map(({ title, options }) => {
    const cost = networkCost(table1({ side: 384, ...options }));
    return [title, thousands(cost.parameters), gigas(cost.macs)];
  });
  const first = networkCost(table1({ side: 384, ...ABLATION[0].options }));
  const last = networkCost(table1({ side: 384 }));
  return {
    figures: {},
    text: `## Ablation

The paper's claims: factorising makes ERFNet faster, grouping saves parameters at no loss, attention makes it more accurate.
Counted at the paper's side, 384: with all three, ${percent(last.parameters / first.parameters)} % of the parameters and ${percent(last.macs / first.macs)} % of the multiply-accumulates.

${table(['network, side 384', 'parameters', 'GMAC'], counted)}

${
  ablation.files.size > 0
    ? measured(ablation, settingOf('ablation', ablation.files))
    : `Accuracy and latency are not measured: the four networks have not been trained in full yet. Their metrics files go to
\`docs/metrics/ablation/\`.`
}
`,
  };
}
