import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/assets/node.js';
import { writeAtomically } from './files.js';

const HEADING = '# Benchmarks\n';

/** Puts Markdown between `<!-- name -->` and `<!-- /name -->` of docs/BENCHMARKS.md, and leaves the other sections alone. */
export function writeSection(name: string, markdown: string): void {
  const file = join(packageRoot(), 'docs', 'BENCHMARKS.md');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : HEADING;
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const section = `${begin}\n${markdown.trim()}\n${end}`;
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  writeAtomically(
    file,
    from < 0 || to < from
      ? `${text.trimEnd()}\n\n${section}\n`
      : text.slice(0, from) + section + text.slice(to + end.length),
  );
}
