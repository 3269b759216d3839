import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { BACKEND_NAMES } from '../../src/model/backends/index.js';

/** Reads an option's value as a positive whole number. */
export function positive(value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new InvalidArgumentError('It is no positive whole number.');
  return Number(value);
}

/** Reads an option's value as a number that is not negative. */
export function nonNegative(value: string): number {
  if (value.trim() === '' || !(Number(value) >= 0))
    throw new InvalidArgumentError('It is no number from 0 on.');
  return Number(value);
}

/** What computes the network. */
export const backendOption = (about: string) =>
  new Option('--backend <name>', about).choices(BACKEND_NAMES).default('wasm' as const);

/** What trains it. */
export const engineOption = () =>
  new Option('--engine <name>', 'what trains: torch is the fast one, tfjs needs no Python').choices([
    'torch',
    'tfjs',
  ] as const);

/** Of pictures that are to be cropped. */
export const faceOption = () =>
  new Option('--face <where>', 'find the face, or take the whole picture for it').choices([
    'auto',
    'whole',
  ] as const);

export const DATA_OPTION = ['--data <folder>', 'the data set, as prepare-data packs it'] as const;
