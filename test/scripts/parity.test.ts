import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/assets/node.js';

test('parity says which model is not there', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'scripts/parity.ts', '--model', 'models/nowhere'],
    { cwd: packageRoot(), encoding: 'utf8' },
  );
  expect([status, stdout, stderr]).toEqual([1, '', 'error: There is no model at models/nowhere.\n']);
});
