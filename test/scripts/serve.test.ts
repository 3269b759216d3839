import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/assets/node.js';

test('mien serve listens where the environment says, not as SageMaker has it', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/mien.ts', 'serve'], {
    cwd: packageRoot(),
    env: { PATH: process.env.PATH, BACKEND: 'wasm', HOST: '127.0.0.1', PORT: '0' },
  });
  const [line] = await once(child.stdout, 'data');
  child.kill();
  expect(String(line)).toMatch(/listens on http:\/\/127\.0\.0\.1:\d+/);
}, 60_000);
