import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { readInputs } from '../../scripts/report/inputs.js';
import { makeReport } from '../../scripts/report/report.js';
import type { MetricsFile } from '../../scripts/train/metrics-files.js';
import { packageRoot } from '../../src/assets/node.js';
import { exampleMetrics } from '../support/metrics-files.js';

const run = promisify(execFile);
const root = packageRoot();
const scratch = mkdtempSync(join(tmpdir(), 'mien-report-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const report = (folder: string) =>
  run(process.execPath, ['--import', 'tsx', join(root, 'scripts/report.ts'), '--root', folder], {
    cwd: root,
  });
const DATA: string = JSON.parse(readFileSync(join(root, 'models/mien-v1/metrics.json'), 'utf8')).training
  .data;
const committed = (name: string) => readFileSync(join(root, name), 'utf8');

/** A checkout with the models and the metrics alone. */
function checkout(name: string, metrics = true): string {
  const folder = join(scratch, name);
  for (const model of readdirSync(join(root, 'models')))
    for (const file of ['architecture.json', 'metrics.json'])
      cpSync(join(root, 'models', model, file), join(folder, 'models', model, file));
  if (metrics && existsSync(join(root, 'docs/metrics')))
    cpSync(join(root, 'docs/metrics'), join(folder, 'docs/metrics'), { recursive: true });
  return folder;
}

function put(folder: string, file: string, content: unknown): void {
  const path = join(folder, 'docs/metrics', file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(content));
}

describe('npm run report', () => {
  const folder = checkout('same');
  const written = (name: string) => readFileSync(join(folder, name), 'utf8');
  beforeAll(async () => {
    await report(folder);
  }, 120_000);

  it('gives docs/REPORT.md, its drawings and the model cards again, byte for byte', () => {
    const drawings = readdirSync(join(root, 'docs/report'));
    expect(drawings.length).toBeGreaterThan(0);
    expect(readdirSync(join(folder, 'docs/report'))).toEqual(drawings);
    const cards = readdirSync(join(root, 'models')).map((model) => `models/${model}/MODEL_CARD.md`);
    for (const name of ['docs/REPORT.md', ...drawings.map((drawing) => `docs/report/${drawing}`), ...cards])
      expect(written(name), name).toBe(committed(name));
  });

  it('shows every drawing that exists', () => {
    const shown = [...committed('docs/REPORT.md').matchAll(/\]\(report\/([^)]+)\)/g)].map(([, name]) => name);
    expect(shown.sort()).toEqual(readdirSync(join(root, 'docs/report')));
  });

  it('gives another report for other figures, and takes away drawings of before', async () => {
    const file = join(folder, 'models/mien-v1/metrics.json');
    const metrics = JSON.parse(readFileSync(file, 'utf8'));
    metrics.splits.test.confusion[3][3] -= 100;
    metrics.splits.test.accuracy = 0.1234;
    writeFileSync(file, JSON.stringify(metrics));
    writeFileSync(join(folder, 'docs/report/old.svg'), '<svg/>');
    await report(folder);
    expect(written('docs/REPORT.md')).toContain('12.34');
    expect(written('models/mien-v1/MODEL_CARD.md')).toContain('12.34');
    expect(written('docs/report/fer2013-ours.svg')).not.toBe(committed('docs/report/fer2013-ours.svg'));
    expect(written('docs/report/fer2013-paper.svg')).toBe(committed('docs/report/fer2013-paper.svg'));
    expect(existsSync(join(folder, 'docs/report/old.svg'))).toBe(false);
  }, 120_000);
});

/** A row as `npm run sweep` writes it. */
const sweepRow = (name: string, accuracies: number[], ratio: number, more = {}) => ({
  name,
  why: null,
  changes: { 'architecture.width': 0.5 },
  architecture: { side: 96 },
  engine: { engine: 'torch', device: 'cpu', data: DATA },
  parameters: 1234567,
  macs: 250_000_000,
  latency: { milliseconds: 80 * ratio, ratio },
  seeds: accuracies.map((publicAccuracy, seed) => ({ seed, publicAccuracy, publicRecall: 0.5 })),
  ...more,
});

/** A run whose headline accuracy is this. */
function withAccuracy(file: MetricsFile, accuracy: number, on = 'PublicTest and PrivateTest'): MetricsFile {
  const [headline, ...others] = file.results as [MetricsFile['results'][0]];
  return { ...file, results: [{ ...headline, on, accuracy }, ...others] };
}

describe('what has been measured', () => {
  const folder = checkout('full', false);
  const baseline = {
    architecture: { baseline: 'resnet', side: 48 },
    scored: { by: 'torch', on: 'cpu', precision: 'float32' },
  };
  let text: string;
  let figures: Record<string, string>;
  beforeAll(() => {
    put(folder, 'baselines/resnet-1.json', withAccuracy(exampleMetrics('resnet-1', baseline), 0.71));
    put(folder, 'baselines/resnet-2.json', withAccuracy(exampleMetrics('resnet-2', baseline), 0.72));
    const averaged = {
      ...withAccuracy(exampleMetrics('resnet-2', baseline), 0.79),
      tta: 'ten-crop' as const,
    };
    put(folder, 'baselines/resnet-2-ten-crop.json', averaged);
    for (const [at, name] of ['plain', 'factorised', 'grouped', 'attention'].entries())
      put(
        folder,
        `sweeps/ablation/${name}.json`,
        sweepRow(name, [0.6 + at / 100, 0.62 + at / 100], 1 / (at + 1)),
      );
    put(folder, 'sweeps/ablation-full/plain.json', sweepRow('plain', [0.71, 0.72], 1));
    const peer = { architecture: null, engine: null, parameters: null, macs: null };
    put(
      folder,
      'sweeps/frontier/side-96.json',
      sweepRow('side-96', [0.68], 0.25, { architecture: { side: 96, rows: [{}, { groups: 4 }] } }),
    );
    put(folder, 'sweeps/frontier/human.json', sweepRow('human', [0.66], 0.0625, peer));
    put(folder, 'sweeps/shapes/narrow.json', sweepRow('narrow', [0.55], 0.4));
    for (const protocol of [
      'ckplus-10-fold',
      'ckplus-paper',
      'jaffe-by-subject',
      'fer2013',
      'zero-shot',
    ] as const)
      put(folder, `protocols/${protocol}.json`, exampleMetrics(protocol, { protocol }));
    ({ text, figures } = makeReport(readInputs(folder)));
  });

  /** Cells of the row that begins so. */
  const row = (start: string) =>
    text
      .split('\n')
      .find((line) => line.startsWith(`| ${start} |`))
      ?.split('|')
      .map((cell) => cell.trim())
      .slice(2, -1);

  it('stands in Table 4 by the mean of its runs, without those that average views', () => {
    expect(row('ResNet')).toEqual([
      '69.67',
      '70.38',
      'resnet-1, resnet-2',
      '71.50 (71.00, 72.00)',
      '90.00 (90.00, 90.00)',
    ]);
    expect(row('CNNs')).toEqual(['60.52', '62.84', 'not measured', '-', '-']);
    expect(row('resnet-2 (torch, float32; ten-crop averaging, not as served)')?.[1]).toBe('79.00');
    expect(row('resnet-1 (torch, float32)')?.[1]).toBe('71.00');
  });

  it('stands in the ablation, latency as a multiple of the plain network’s', () => {
    expect(row('plain ERFNet, 3×3')).toEqual(['6,667,973', '19.377']);
    for (const [title, ratio, accuracy] of [
      ['plain ERFNet, 3×3', '×1.00', '61.00 (60.00, 62.00)'],
      ['+ factorised, 3×1 and 1×3', '×0.50', '62.00 (61.00, 63.00)'],
      ['+ grouped', '×0.33', '63.00 (62.00, 64.00)'],
      ['+ attention', '×0.25', '64.00 (63.00, 65.00)'],
    ])
      expect(text).toContain(
        `| ${title} | 96 | 1,234,567 | 0.250 | ${ratio} | ${accuracy} | 50.00 (50.00, 50.00) | 0, 1 |`,
      );
  });

  it('stands in the ablation in full, before the short one', () => {
    const full = text.indexOf('| 71.50 (71.00, 72.00) | 50.00 (50.00, 50.00) | 0, 1 |');
    expect(full).toBeGreaterThan(text.indexOf('## Ablation'));
    expect(full).toBeLessThan(text.indexOf('| 61.00 (60.00, 62.00) |'));
    expect(text).toContain('| + grouped | - | - | - | - | not measured | - | - |');
    expect(text).not.toContain('### ablation');
  });

  it('stands among the choices, and against milliseconds', () => {
    expect(row('narrow')?.slice(0, 5)).toEqual([
      'architecture.width = 0.5',
      '96',
      '1,234,567',
      '0.250',
      '×0.40',
    ]);
    expect(row('human')).toEqual(['5.0', '×0.06', '-', '-', '-', '-', '66.00', '50.00']);
    expect(row('side-96')).toEqual(['20.0', '×0.25', '96', '4', '1,234,567', '-', '68.00', '50.00']);
    expect(text.indexOf('| human |')).toBeLessThan(text.indexOf('| side-96 |'));
  });

  it('says what leaks', () => {
    const pooled = ['ckplus, all folds together', '140', '90.00', '90.00 ± 14.14', '90.00', '0.020'];
    expect(row('ckplus-10-fold')).toEqual([...pooled, 'nothing']);
    expect(row('ckplus-paper')).toEqual([...pooled, '**leaks: copies of one face on both sides**']);
    expect(row('jaffe-by-subject')?.[0]).toBe('jaffe, all folds together');
  });

  it('is drawn', () => {
    for (const name of ['ckplus-ours', 'jaffe-by-subject', 'frontier', 'accuracy-by-epoch'])
      expect(figures[name], name).toMatch(/^<svg /);
    expect(figures.frontier).toContain('human');
    const shown = [...text.matchAll(/\]\(report\/([^)]+)\.svg\)/g)].map(([, name]) => name);
    expect(shown.sort()).toEqual(Object.keys(figures).sort());
  });

  it('has its cost: pictures, hours, hardware', () => {
    expect(row('resnet-1')).toEqual(['48', '1,234,567', '0.250', '12,800', '1.00', 'NVIDIA T4 (torch)']);
  });

  it('is no longer called unmeasured', () => {
    const left = [...text.matchAll(/not (been )?measured/gi)].map(({ index }) =>
      text.slice(index - 40, index + 20),
    );
    // The parallel CNN, in Table 4 and below it, and three rows of the ablation in full.
    expect(left).toHaveLength(5);
  });

  it('stands on the card of the very weights alone', async () => {
    const card = () => readFileSync(join(folder, 'models/mien-v1/MODEL_CARD.md'), 'utf8');
    await report(folder);
    expect(card()).not.toContain('neutral masked');
    const { weights } = JSON.parse(committed('models/mien-v1/metrics.json'));
    put(folder, 'protocols/zero-shot.json', exampleMetrics('mien-v1', { protocol: 'zero-shot', weights }));
    await report(folder);
    expect(card()).toContain('| ckplus | neutral masked | 120 | 90.00 |');
    expect(card()).toContain('are zero-shot: nothing was trained');
  }, 120_000);
});

test.each([
  ['a trial', 'protocols/a.json', { ...exampleMetrics('a'), trial: true }, /protocols.a\.json is of a trial/],
  ['a broken file', 'baselines/b.json', { format: 2 }, /b\.json is not what it should be: [\s\S]*format/],
  [
    'a sweep of other pictures',
    'sweeps/ablation/c.json',
    sweepRow('c', [0.5], 1, { engine: { engine: 'tfjs', device: 'wasm', data: 'ef' } }),
    /ablation: c learnt from other pictures than the published model/,
  ],
  [
    'a baseline on other pictures',
    'baselines/d.json',
    exampleMetrics('d', { architecture: { baseline: 'resnet', side: 48 } }),
    /d was not measured on PublicTest and PrivateTest/,
  ],
])('%s is refused by its name', (name, file, content, message) => {
  const folder = checkout(name.replaceAll(' ', '-'), false);
  put(folder, file, content);
  expect(() => makeReport(readInputs(folder))).toThrow(message);
});

test('the report is of the model that is served, and others are called as their folders are', () => {
  const folder = checkout('named');
  cpSync(join(folder, 'models/mien-v1-paper384'), join(folder, 'models/another'), { recursive: true });
  const names = readInputs(folder).models.map(({ metrics }) => metrics.name);
  expect(names).toEqual(['mien-v1', 'another', 'mien-v1-paper384']);
});

test('a copy of a model gets its own card, and leaves the original’s alone', async () => {
  const folder = checkout('copied');
  cpSync(join(folder, 'models/mien-v1'), join(folder, 'models/older'), { recursive: true });
  const file = join(folder, 'models/older/metrics.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), version: '0.0.1' }));
  await report(folder);
  const card = (model: string) => readFileSync(join(folder, 'models', model, 'MODEL_CARD.md'), 'utf8');
  expect(card('mien-v1')).toBe(committed('models/mien-v1/MODEL_CARD.md'));
  expect(card('older')).toContain('# older 0.0.1');
}, 120_000);

test.each([
  ['whose metrics are cut short', 'metrics.json', '{'],
  ['whose metrics are a protocol’s', 'metrics.json', '{"version": "1.0.0"}'],
  ['without an architecture', 'architecture.json', undefined],
])('a model %s is refused by its file', (name, file, content) => {
  const folder = checkout(name.replaceAll(' ', '-'));
  const path = join(folder, 'models/mien-v1-paper384', file);
  if (content === undefined) rmSync(path);
  else writeFileSync(path, content);
  expect(() => readInputs(folder)).toThrow(
    expect.objectContaining({ code: 'invalid_data', message: expect.stringContaining(path) }),
  );
});

test('a folder without models is refused', () => {
  const folder = join(scratch, 'absent');
  expect(() => readInputs(folder)).toThrow(`${folder} has no model trained on fer2013`);
});
