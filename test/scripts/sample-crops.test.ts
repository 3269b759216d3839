import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { sampleCrops } from '../../scripts/lib/sample-crops.js';
import { generatedFaces } from '../../scripts/train/data/generated.js';
import { cropsOf, rowsOf, writeDataSet } from '../../scripts/train/data/pack.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-sample-crops-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('sample crops are PublicTest’s, and no more than there are', () => {
  const set = generatedFaces(56);
  const data = join(folder, 'set');
  writeDataSet(data, 'tiny', set);
  const rows = rowsOf(set, 'PublicTest');
  expect(sampleCrops(2, data)).toEqual(cropsOf(set.images, rows.slice(0, 2)));
  expect(sampleCrops(64, data)).toEqual(cropsOf(set.images, rows));
});
