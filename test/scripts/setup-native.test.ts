import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { setUpNative } from '../../scripts/lib/native.js';
import { packageRoot } from '../../src/assets/node.js';

const work = mkdtempSync(join(tmpdir(), 'setup-native-'));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(work, { recursive: true, force: true });
});

test('a failure says what is missing and leaves what was there', async () => {
  const folder = join(work, 'native');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'kept'), '');
  vi.stubEnv('PATH', work); // where there is no npm
  await expect(setUpNative('tfjs-node', folder)).rejects.toMatchObject({
    code: 'backend_unavailable',
    message: expect.stringMatching(/^npm does not start: /),
  });
  expect(readdirSync(work)).toEqual(['native']);
  expect(readdirSync(folder)).toEqual(['kept']);
});

// The whole way is what .ci/run goes: hundreds of megabytes and a compiler.
const done = existsSync(join(packageRoot(), 'native'));
if (!done) console.log('skipped: native/ is not there (npm run setup:native)');
test.skipIf(!done)('what is installed and loads stays as it is', { timeout: 120_000 }, () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'scripts/setup-native.ts'],
    { cwd: packageRoot(), encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^setup:native: @tensorflow\/tfjs-node 4\.\d+\.\d+ is in .*\/native already\n$/);
  expect(status).toBe(0);
});
