import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { packageRoot } from '../src/assets/node.js';
import { main, npmCommand } from './lib/command.js';
import { writeAtomically } from './lib/files.js';
import { readInputs, readModels } from './report/inputs.js';
import { makeReport } from './report/report.js';
import { modelCard } from './train/model-card.js';

/** Writes the drawings and takes away those that nothing shows any more. */
function writeFigures(folder: string, figures: Record<string, string>): void {
  for (const [name, drawing] of Object.entries(figures))
    writeAtomically(join(folder, `${name}.svg`), drawing);
  for (const file of existsSync(folder) ? readdirSync(folder) : [])
    if (file.endsWith('.svg') && !(file.slice(0, -4) in figures)) rmSync(join(folder, file));
}

const command = npmCommand('report')
  .description(
    "Writes docs/REPORT.md with its drawings, and every model's card, from metrics files alone: the published models' metrics.json and those of docs/metrics/. The paper's tables and figures stand beside ours; what has not been measured says so, and why.",
  )
  .addOption(new Option('--root <folder>', 'the repository').default(packageRoot(), 'this one'));

function report({ root }: { root: string }): void {
  const inputs = readInputs(root);
  const { text, figures } = makeReport(inputs);
  writeFigures(join(root, 'docs', 'report'), figures);
  writeAtomically(join(root, 'docs', 'REPORT.md'), text);
  const elsewhere = [...inputs.protocols.values()].filter(({ protocol }) => protocol.name === 'zero-shot');
  const models = readModels(join(root, 'models'));
  for (const { metrics, arch } of models) {
    const own = elsewhere.filter(({ folds }) => folds[0]?.weights === metrics.weights);
    writeAtomically(join(root, 'models', metrics.name, 'MODEL_CARD.md'), modelCard(metrics, arch, own));
  }
  console.log(`docs/REPORT.md, ${Object.keys(figures).length} drawings, ${models.length} model cards`);
}

main(command.action(report));
