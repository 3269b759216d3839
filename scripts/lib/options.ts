import { Option } from '@commander-js/extra-typings';
import { BACKEND_NAMES } from '../../src/model/backends/index.js';
import { MienError } from '../../src/model/errors.js';

export { nonNegative, positive } from './numbers.js';

/** What computes the network. */
export const backendOption = (about: string) =>
  new Option('--backend <name>', about).choices(BACKEND_NAMES).default('wasm' as const);

/** What trains it. */
export const engineOption = () =>
  new Option('--engine <name>', 'what trains: torch is the fast one, tfjs needs no Python').choices([
    'torch',
    'tfjs',
  ] as const);

/**
 * Refuses options of an engine that is not the one which trains: they would change nothing.
 * @param names those that are asked for, such as `--seconds`
 * @throws {MienError} `invalid_data` where there are some
 */
export function refuseOptionsOf(owner: string, names: string[], engine: string): void {
  if (engine !== owner && names.length > 0)
    throw new MienError(
      'invalid_data',
      `${names.join(', ')}: the ${owner} engine has that, not --engine ${engine}`,
    );
}

/** Whether `--backend` was asked for: it has a default. */
export const backendAsked = (command: {
  getOptionValueSource(name: string): string | undefined;
}): string[] => (command.getOptionValueSource('backend') === 'cli' ? ['--backend'] : []);

/** Of pictures that are to be cropped. */
export const faceOption = () =>
  new Option('--face <where>', 'find the face, or take the whole picture for it').choices([
    'auto',
    'whole',
  ] as const);

/** Of pictures that may be broken. */
export const SKIP_UNREADABLE_OPTION = [
  '--skip-unreadable',
  'leave out pictures that cannot be read, instead of ending with their list',
] as const;

export const DATA_OPTION = ['--data <folder>', 'the data set, as prepare-data packs it'] as const;
