import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/assets/node.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/model/weights.js';
import { untrainedFolder } from '../support/untrained.js';

const untrained = untrainedFolder();
afterAll(() => untrained.remove());

test('parity says which model is not there', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'scripts/parity.ts', '--model', 'models/nowhere'],
    { cwd: packageRoot(), encoding: 'utf8' },
  );
  expect([status, stdout, stderr]).toEqual([1, '', 'error: There is no model at models/nowhere.\n']);
});

/** Makes the network answer the same whatever it is shown. */
function blind(folder: string): void {
  const file = join(folder, 'weights.safetensors');
  const weights = decodeSafetensors(readFileSync(file));
  for (const [name, { data }] of weights) if (/^(head|m23)\./.test(name)) data.fill(0);
  writeFileSync(file, encodeSafetensors(weights));
}

test('parity does not say that it fails where all agree and the control is too weak to tell', () => {
  blind(untrained.folder);
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'scripts/parity.ts', '--crops', '1', '--model', untrained.folder],
    { cwd: packageRoot(), encoding: 'utf8' },
  );
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(/error: parity is not shown: all are within 0.0001, but so is the control, /),
  ]);
}, 120_000);
