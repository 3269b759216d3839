/** `measureEvery`: which epochs are measured, and that it changes nothing else. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { trainRun } from '../../scripts/train/engines/tfjs/train.js';
import { dataOf, type Engine, finished, prepareRun } from '../../scripts/train/run.js';
import { tinyConfiguration } from '../support/tiny-run.js';
import { historyOf, lastWeights, python, torchEngine } from '../support/training.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-measure-'));
afterAll(() => rmSync(folder, { recursive: true }));

const stages = [
  { side: 24, epochs: 1, batch: 14 },
  { side: 16, epochs: 4, batch: 14 },
];
const every = { ...tinyConfiguration(), stages };
const few = { ...every, measureEvery: 3 };

/** A run's folder after all of its epochs. */
async function trained(engine: Engine, name: string, configuration: typeof every): Promise<string> {
  const run = join(folder, `${engine}-${name}`);
  prepareRun(run, configuration, { engine, resume: false });
  const data = dataOf(run, configuration, undefined);
  if (engine === 'tfjs') await trainRun({ run, data, backend: 'wasm', checkpointSeconds: 60 });
  else expect(await torchEngine(run, data).ended).toMatchObject({ code: 0 });
  expect(finished(run, configuration)).toBe(true);
  return run;
}

it.each([
  'tfjs',
  ...(python ? ['torch' as const] : []),
] as const)('by %s, every third epoch, the last and a stage’s last are measured, and the same is learned', async (engine) => {
  const [whole, thinned] = [await trained(engine, 'every', every), await trained(engine, 'few', few)];
  const [all, rows] = [historyOf(whole), historyOf(thinned)];
  expect(all.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5]);
  expect(rows.map(({ epoch }) => epoch)).toEqual([1, 3, 5]);
  for (const row of rows) {
    const { epoch, publicLoss, rate, step } = row as Record<string, number>;
    expect(all[(epoch as number) - 1]).toMatchObject({ publicLoss, rate, step });
  }
  // Its loss is of all epochs since the row before.
  const losses = all.map(({ loss }) => loss as number) as [number, number, number, number, number];
  expect(rows[1]?.loss).toBeCloseTo((losses[1] + losses[2]) / 2, 5);
  expect(rows[2]?.loss).toBeCloseTo((losses[3] + losses[4]) / 2, 5);
  expect(lastWeights(thinned)).toEqual(lastWeights(whole));
}, 120_000);
