/** A sweep's latencies, of a row that was trained alone. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Sweep, SweepRow } from '../../scripts/train/sweep-file.js';
import { measureLatencies } from '../../scripts/train/sweep-latency.js';
import { formatArchitecture } from '../../src/model/architecture.js';
import { table1 } from '../../src/model/table1.js';
import { encodeSafetensors } from '../../src/model/weights.js';
import { livelyWeights } from '../support/networks.js';
import { tinyConfiguration } from '../support/tiny-run.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-latency-'));
afterAll(() => rmSync(folder, { recursive: true }));

function row(name: string, side: number): SweepRow {
  const tiny = tinyConfiguration();
  const configuration = { ...tiny, architecture: { ...tiny.architecture, side } } as typeof tiny;
  return { name, why: null, changes: {}, runs: [{ name: `${name}-1`, seed: 1, configuration }] };
}

it('are ratios to the sweep’s first row, whichever rows are chosen', async () => {
  const [large, small] = [row('large', 256), row('small', 16)];
  const sweep: Sweep = { name: 'sizes', rows: [large, small] };
  const { architecture } = small.runs[0].configuration;
  if ('baseline' in architecture) throw new Error('a baseline has no plan');
  const network = table1(architecture);
  mkdirSync(join(folder, 'small-1'));
  writeFileSync(join(folder, 'small-1', 'architecture.json'), formatArchitecture(network));
  writeFileSync(join(folder, 'small-1', 'best.safetensors'), encodeSafetensors(livelyWeights(network)));
  const latencies = await measureLatencies([small], sweep, folder);
  expect([...latencies.keys()]).toEqual(['small']);
  expect(latencies.get('small')?.ratio).toBeLessThan(0.5);
});
