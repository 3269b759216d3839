import { existsSync } from 'node:fs';
import { Argument } from '@commander-js/extra-typings';
import { DATA } from './bench/accuracy.js';
import { racePublished } from './bench/inference.js';
import { raceTable, SECTIONS, type SectionName } from './bench/sections.js';
import { writeSection } from './lib/benchmarks.js';
import { main, npmCommand } from './lib/command.js';

const NAMES = Object.keys(SECTIONS) as SectionName[];

const command = npmCommand('bench')
  .description(
    'Measures mien beside what else there is, and writes docs/BENCHMARKS.md. What it is compared with is a package of its own: npm run setup:bench installs it.',
  )
  .addArgument(
    new Argument('[sections...]', 'what to measure; all that can be measured here if none is named').choices(
      NAMES,
    ),
  )
  .option('--quick', 'time a few rounds of inference and write nothing');

async function bench(
  sections: readonly SectionName[],
  { quick = false }: { quick?: boolean },
): Promise<void> {
  if (quick) {
    const race = await racePublished(['plan', 'onnxruntime-web-1'], { rounds: 9, milliseconds: 100 });
    console.log(raceTable(race));
    return;
  }
  const possible = NAMES.filter((name) => name !== 'accuracy' || existsSync(DATA));
  if (sections.length === 0 && possible.length < NAMES.length)
    console.log(`${DATA} is absent: accuracy is left out`);
  for (const name of sections.length > 0 ? sections : possible) {
    console.log(`measuring ${name}`);
    writeSection(name, await SECTIONS[name]());
  }
}

main(command.action(bench));
