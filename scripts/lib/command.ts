import { Command } from '@commander-js/extra-typings';
import { MienError } from '../../src/model/errors.js';

/** A script of package.json as a command; `--help` lists its options, and what it does not know it refuses. */
export const npmCommand = (name: string) =>
  new Command(`npm run ${name} --`).showHelpAfterError('(--help lists the options)');

/** Runs a command: a user's fault ends it with its message and exit code 1, anything else with its stack. */
export function main(command: { parseAsync(): Promise<unknown> }): void {
  command.parseAsync().catch((error: unknown) => {
    console.error(MienError.is(error) ? `error: ${error.message}` : error);
    process.exitCode = 1;
  });
}
