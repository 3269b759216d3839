import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const isolated = process.platform === 'linux' && process.getuid?.() === 0;

it('synthesises all stacks without an AWS configuration, credentials, Docker or, as root on Linux, a network', () => {
  const home = mkdtempSync(join(tmpdir(), 'mien-home-'));
  const out = join(home, 'out');
  const command = ['npx', 'cdk', 'synth', '--quiet', '--output', out];
  const [program, ...args] = isolated ? ['unshare', '--net', ...command] : command;
  const { status, stderr } = spawnSync(program as string, args, {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
    // Node's own folder and the system's: no Docker is needed, wherever it may be.
    env: { HOME: home, PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
  });
  expect(status, stderr).toBe(0);
  expect(stderr).not.toContain('Unknown option');
  const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'));
  expect(manifest.missing).toBeUndefined();
  expect(readdirSync(out).filter((name) => name.endsWith('.template.json'))).toEqual([
    'mien-prod-fallback.template.json',
    'mien-prod-foundation.template.json',
    'mien-prod-gpu.template.json',
    'mien-prod-sagemaker.template.json',
    'mien-prod-training.template.json',
  ]);
  rmSync(home, { recursive: true });
});
