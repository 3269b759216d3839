import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/assets/node.js';

const run = promisify(execFile);
const root = packageRoot();
const scratch = mkdtempSync(join(tmpdir(), 'mien-report-'));
const report = (...args: string[]) =>
  run(process.execPath, ['--import', 'tsx', join(root, 'scripts/report.ts'), ...args], { cwd: root });
const published = (name: string) => readFileSync(join(root, 'docs', name), 'utf8');
const written = (name: string) => readFileSync(join(scratch, 'docs', name), 'utf8');

beforeAll(async () => {
  await report('--out', join(scratch, 'docs'));
}, 60_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('docs/REPORT.md and its drawings are what the published metrics give, byte for byte', () => {
  const drawings = readdirSync(join(root, 'docs/report'));
  expect(drawings.length).toBeGreaterThan(0);
  expect(readdirSync(join(scratch, 'docs/report'))).toEqual(drawings);
  for (const name of ['REPORT.md', ...drawings.map((drawing) => join('report', drawing))])
    expect(written(name), name).toBe(published(name));
});

test('every drawing the text shows exists', () => {
  const shown = [...published('REPORT.md').matchAll(/\]\((report\/[^)]+)\)/g)].map(
    ([, path]) => path as string,
  );
  expect(shown.map((path) => path.replace('report/', '')).sort()).toEqual(
    readdirSync(join(root, 'docs/report')),
  );
});

test('other figures give another report', async () => {
  const model = join(scratch, 'model');
  cpSync(join(root, 'models/mien-v1'), model, { recursive: true });
  const metrics = JSON.parse(readFileSync(join(model, 'metrics.json'), 'utf8'));
  metrics.splits.test.confusion[3][3] -= 100;
  metrics.splits.test.accuracy = 0.1234;
  writeFileSync(join(model, 'metrics.json'), JSON.stringify(metrics));
  await report('--model', model, '--out', join(scratch, 'docs'));
  expect(written('REPORT.md')).toContain('12.34');
  expect(written('report/fer2013-ours.svg')).not.toBe(published('report/fer2013-ours.svg'));
  expect(written('report/fer2013-paper.svg')).toBe(published('report/fer2013-paper.svg'));
}, 60_000);
