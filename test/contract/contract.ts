import { answers } from './answers.js';
import { inference } from './inference.js';
import { refusals } from './refusals.js';
import type { ContractOptions, Request } from './requests.js';
import { several } from './several.js';
import { surroundings } from './surroundings.js';

/**
 * What every runtime promises, as tests: the same app answers the same requests wherever it runs.
 *
 * @param request sends to the runtime, which the caller has started and warmed up
 */
export function contract(name: string, request: Request, options: ContractOptions): void {
  answers(name, request, options);
  refusals(name, request, options);
  several(name, request, options);
  inference(name, request, options);
  surroundings(name, request);
}
