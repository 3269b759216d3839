import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { writeSection } from '../../scripts/lib/benchmarks.js';

const root = mkdtempSync(join(tmpdir(), 'benchmarks-'));
vi.mock('../../src/assets/node.js', () => ({ packageRoot: () => root }));
afterAll(() => rmSync(root, { recursive: true }));

const file = join(root, 'docs', 'BENCHMARKS.md');
const text = () => readFileSync(file, 'utf8');

test('each command writes its own section and keeps those of others', () => {
  expect(existsSync(file)).toBe(false);
  writeSection('load', '## Load\n\n1 crop/s');
  writeSection('start', '## Start\n');
  const start = '<!-- start -->\n## Start\n<!-- /start -->\n';
  expect(text()).toBe(`# Benchmarks\n\n<!-- load -->\n## Load\n\n1 crop/s\n<!-- /load -->\n\n${start}`);
  writeSection('load', '## Load\n\n$& crops/s'); // which String.replace would take for the match
  expect(text()).toBe(`# Benchmarks\n\n<!-- load -->\n## Load\n\n$& crops/s\n<!-- /load -->\n\n${start}`);
});
