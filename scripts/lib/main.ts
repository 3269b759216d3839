import { MienError } from '../../src/model/errors.js';

/** Runs a command: a MienError ends it with its message and exit code 1, anything else with its stack. */
export function main(command: () => Promise<void>): void {
  command().catch((error: unknown) => {
    console.error(MienError.is(error) ? `error: ${error.message}` : error);
    process.exitCode = 1;
  });
}
