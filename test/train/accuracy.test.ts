/** The published model on real faces. Needs data/fer2013 (npm run prepare-data). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DataSet, type Index, readDataSet, rowsDigest, rowsOf } from '../../scripts/train/data/pack.js';
import { measure } from '../../scripts/train/metrics.js';
import type { ModelMetrics } from '../../scripts/train/model-card.js';
import { aboutSet } from '../../scripts/train/model-card-data.js';
import { score, spread } from '../../scripts/train/scoring.js';
import { loadModel } from '../../src/assets/node-model.js';

const data = 'data/fer2013';
const folder = 'models/mien-v1';
const present = existsSync(join(data, 'index.json')) && existsSync(join(folder, 'metrics.json'));
if (!present)
  console.warn(`skipped: accuracy on FER2013; it needs ${data} (npm run prepare-data) and ${folder}`);

const FACES = 400;

describe.skipIf(!present)('the published model on FER2013', () => {
  let metrics: ModelMetrics;
  let set: DataSet & { index: Index };
  beforeAll(() => {
    metrics = JSON.parse(readFileSync(join(folder, 'metrics.json'), 'utf8'));
    set = readDataSet(data);
  }, 60_000);

  it('is as accurate on a sample of PublicTest as its metrics say', async () => {
    const rows = spread(rowsOf(set, 'PublicTest'), FACES);
    const scores = await score(await loadModel(folder), 'wasm', set, rows);
    const labels = rows.map((row) => set.labels[row] as number);
    const published = metrics.splits.public.accuracy;
    // Three standard deviations of a sample's accuracy.
    const spreadOf = 3 * Math.sqrt((published * (1 - published)) / FACES);
    expect(Math.abs(measure(scores, labels).accuracy - published)).toBeLessThan(spreadOf);
    // The control: labels moved by one class are hit no more often than chance would.
    const moved = labels.map((label) => (label + 1) % 7);
    expect(measure(scores, moved).accuracy).toBeLessThan(0.3);
  }, 120_000);

  it('says of how many faces its figures are: all 7178, and 6610 without the copies', () => {
    expect(metrics.splits.test.count).toBe(7178);
    expect(metrics.splits.test.withoutCopies.count).toBe(7178 - 568);
    expect(rowsOf(set, 'PublicTest', 'PrivateTest').filter((row) => set.copies[row]).length).toBe(568);
  });

  it.each([folder, `${folder}-paper384`])('%s says what it has learned from', (own) => {
    const { training }: ModelMetrics = JSON.parse(readFileSync(join(own, 'metrics.json'), 'utf8'));
    expect(training).toMatchObject({ rows: rowsDigest(set.index), set: aboutSet(set) });
  });
});
