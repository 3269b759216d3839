import { MienError } from '../../src/model/errors.js';

/** Faults of whoever called: ours by type, a wrong option by the code that parseArgs gives it. */
const isUserFault = (error: unknown): error is Error =>
  MienError.is(error) || /^ERR_PARSE_ARGS/.test((error as { code?: string })?.code ?? '');

/** Runs a command: a user's fault ends it with its message and exit code 1, anything else with its stack. */
export function main(command: () => Promise<void>): void {
  command().catch((error: unknown) => {
    console.error(isUserFault(error) ? `error: ${error.message}` : error);
    process.exitCode = 1;
  });
}
