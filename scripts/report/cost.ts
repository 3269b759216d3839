import { networkCost } from '../../src/model/cost.js';
import { trainingCost } from '../train/cost-of-training.js';
import type { Training } from '../train/training-record.js';
import type { Inputs } from './inputs.js';
import { type Section, table } from './markdown.js';

interface Row {
  name: string;
  side: unknown;
  cost: { parameters: number; macs: number | null } | null;
  training: Training | null;
}

function cells({ name, side, cost, training }: Row): string[] {
  const spent = training && trainingCost(training);
  return [
    name,
    String(side ?? '-'),
    cost?.parameters.toLocaleString('en') ?? '-',
    cost?.macs ? (cost.macs / 1e9).toFixed(3) : 'not counted',
    spent?.images?.toLocaleString('en') ?? 'not recorded',
    spent?.hours?.toFixed(2) ?? 'not recorded',
    spent?.hardware ?? 'not recorded',
  ];
}

/** What networks cost to answer and cost to train. */
export function costSection({ models, baselines }: Inputs): Section {
  const rows: Row[] = [
    ...models.map(({ title, arch, metrics }) => ({
      name: title,
      side: arch.side,
      cost: networkCost(arch),
      training: metrics.training,
    })),
    ...[...baselines.values()].map(({ name, architecture, cost, training }) => ({
      name,
      side: architecture?.side,
      cost,
      training,
    })),
  ];
  return {
    figures: {},
    text: `## Cost

Multiply-accumulates are of one face. Training is the run that gave the weights; what it went on from comes on top.

${table(['network', 'side', 'parameters', 'GMAC', 'pictures seen', 'hours', 'hardware'], rows.map(cells))}
`,
  };
}
