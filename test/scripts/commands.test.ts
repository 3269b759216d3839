/** The command lines of package.json's scripts: what they explain and what they refuse. They run where they are tested. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, CommanderError } from '@commander-js/extra-typings';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { packageRoot } from '../../src/assets/node.js';

// A script hands its command to main() as it is imported; here a command does not run, and does not end the process.
const main = vi.hoisted(() => vi.fn<(command: { parseAsync(): Promise<unknown> }) => void>());
vi.mock(import('../../scripts/lib/command.js'), async (original) => ({ ...(await original()), main }));

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

const commands = new Map<string, Command>();
/** What loading them has said: help goes to the standard output alone. */
const said = { error: vi.spyOn(console, 'error'), warn: vi.spyOn(console, 'warn') };
beforeAll(async () => {
  for (const [, file] of COMMANDS) {
    await import(join(packageRoot(), file));
    commands.set(file, main.mock.lastCall?.[0] as unknown as Command);
  }
}, 120_000);
afterAll(() => vi.restoreAllMocks());

/** Gives a command its arguments: its exit code, and what it writes. */
async function parse(file: string, args: readonly string[]) {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const command = (commands.get(file) as Command)
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.push(text), writeErr: (text) => stderr.push(text) });
  const code = await command.parseAsync(args, { from: 'user' }).then(
    () => undefined,
    (error) => (error instanceof CommanderError ? error.exitCode : error),
  );
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}

test('finds the commands, each of which is told to main() once', () => {
  expect(COMMANDS.map(([name]) => name)).toEqual(
    expect.arrayContaining(['train', 'bench', 'rootfs', 'prepare-data']),
  );
  expect(main).toHaveBeenCalledTimes(COMMANDS.length);
  expect([said.error.mock.calls, said.warn.mock.calls]).toEqual([[], []]);
});

test.each(COMMANDS)('%s explains itself', async (name, file) => {
  const help = await parse(file, ['--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toMatch(new RegExp(`^Usage: npm run ${name} -- \\[options\\].*\n\n[A-Z]`));
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
  [
    'scripts/train/evaluate.ts',
    ['--split', 'training'],
    /'training' is invalid. Allowed choices are public, private, test/,
  ],
  [
    'scripts/train/evaluate.ts',
    ['--tta', 'five-crop'],
    /'five-crop' is invalid. Allowed choices are none, flip, ten-crop/,
  ],
  ['scripts/train/evaluate.ts', ['--limit=-3'], /'-3' is invalid. It is no positive whole number/],
  [
    'scripts/train/evaluate.ts',
    ['--run', 'a', '--model', 'b'],
    /'--model <folder>' cannot be used with option '--run <folder>'/,
  ],
  ['scripts/train/protocol.ts', ['toString', '--data', 'x'], /Allowed choices are fer2013, ckplus-10-fold, /],
  ['scripts/parity.ts', ['--no-such-option'], /unknown option '--no-such-option'/],
  ['scripts/parity.ts', ['more'], /too many arguments/],
  ['scripts/train/train.ts', [], /required option '--config <file>' not specified/],
  ['scripts/bench.ts', ['speed'], /Allowed choices are inference, sides/],
  ['scripts/train/prepare.ts', ['imagenet'], /unknown command 'imagenet'/],
])('%s %j is refused', async (file, args, message) => {
  const { code, stdout, stderr } = await parse(file, args);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^error: .*\n\(--help lists the options\)\n$/);
});

test('so they are as processes', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'scripts/train/train.ts', ...args], {
      cwd: packageRoot(),
      encoding: 'utf8',
    });
  expect(run('--help')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^Usage: npm run train/),
    stderr: '',
  });
  expect(run('--engine', 'jax')).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(/^error: .*\n\(--help lists the options\)\n$/),
  });
});
