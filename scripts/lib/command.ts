import { Command } from '@commander-js/extra-typings';
import { MienError } from '../../src/model/errors.js';

/** A command; `--help` lists its options, and what it does not know it refuses. */
export const createCommand = (name: string) =>
  new Command(name).showHelpAfterError('(--help lists the options)');

/** A script of package.json as a command. */
export const npmCommand = (name: string) => createCommand(`npm run ${name} --`);

/** Runs a command: a user's fault ends it with its message and exit code 1, anything else with its stack. */
export function main(command: { parseAsync(): Promise<unknown> }): void {
  command.parseAsync().catch((error: unknown) => {
    console.error(MienError.is(error) ? `error: ${error.message}` : error);
    process.exitCode = 1;
  });
}
