import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/assets/node.js';

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const run = (file: string, ...args: string[]): Promise<Ended> =>
  new Promise((ended) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', file, ...args],
      { cwd: packageRoot() },
      (error, stdout, stderr) => ended({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

const { scripts } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));

/** package.json's scripts that read a command line. */
const COMMANDS = Object.entries<string>(scripts)
  .filter(([name]) => !(name.startsWith('pre') && name.slice(3) in scripts))
  .flatMap(([name, line]) => {
    const [, file] = /^tsx (scripts\/\S+\.ts)$/.exec(line) ?? [];
    return file && readFileSync(join(packageRoot(), file), 'utf8').includes('npmCommand(')
      ? [[name, file]]
      : [];
  }) as [string, string][];

test('finds the commands', () => {
  expect(COMMANDS.map(([name]) => name)).toEqual(
    expect.arrayContaining(['train', 'bench', 'rootfs', 'prepare-data']),
  );
});

describe.concurrent('every command', () => {
  test.each(COMMANDS)('%s explains itself', async (name, file) => {
    const help = await run(file, '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(new RegExp(`^Usage: npm run ${name} -- \\[options\\].*\n\n[A-Z]`));
  });
});

test.each([
  [
    'scripts/train/sweep.ts',
    ['--file', 'x', '--jobs', '0'],
    /'--jobs <n>' argument '0' is invalid. It is no positive whole number/,
  ],
  [
    'scripts/train/train.ts',
    ['--config', 'x', '--checkpoint-seconds', 'soon'],
    /'soon' is invalid. It is no number from 0 on/,
  ],
  ['scripts/train/train.ts', ['--config', 'x', '--engine', 'jax'], /Allowed choices are torch, tfjs/],
  ['scripts/parity.ts', ['--no-such-option'], /unknown option '--no-such-option'/],
  ['scripts/parity.ts', ['more'], /too many arguments/],
  ['scripts/train/train.ts', [], /required option '--config <file>' not specified/],
  ['scripts/bench.ts', ['speed'], /Allowed choices are inference, sides/],
  ['scripts/train/prepare.ts', ['imagenet'], /unknown command 'imagenet'/],
])('%s %j is refused', async (file, args, message) => {
  const { code, stdout, stderr } = await run(file, ...args);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^error: .*\n\(--help lists the options\)\n$/);
});
