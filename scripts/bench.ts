/**
 * Measures mien beside what else there is, and writes docs/BENCHMARKS.md: npm run bench [-- SECTION...] [--quick]
 *
 * SECTION is inference, sides, groups, accuracy, stages, start or memory; without one, all that can be measured here. What mien
 * is compared with is a package of its own: npm run setup:bench installs it. --quick times a few rounds of inference and writes nothing.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DATA } from './bench/accuracy.js';
import { racePublished } from './bench/inference.js';
import { raceTable, SECTIONS, type SectionName } from './bench/sections.js';
import { writeSection } from './lib/benchmarks.js';
import { main } from './lib/main.js';
import { oneOf } from './train/options.js';

const NAMES = Object.keys(SECTIONS) as SectionName[];

main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false } },
  });
  if (values.quick) {
    const race = await racePublished(['plan', 'onnxruntime-web-1'], { rounds: 9, milliseconds: 100 });
    console.log(raceTable(race));
    return;
  }
  const wanted = positionals.map((name) => oneOf('section', name, NAMES));
  const possible = NAMES.filter((name) => name !== 'accuracy' || existsSync(DATA));
  if (wanted.length === 0 && possible.length < NAMES.length)
    console.log(`${DATA} is absent: accuracy is left out`);
  for (const name of wanted.length > 0 ? wanted : possible) {
    console.log(`measuring ${name}`);
    writeSection(name, await SECTIONS[name]());
  }
});
