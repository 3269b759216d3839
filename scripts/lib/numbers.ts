/** Numbers on a command line. Apart from the other options, which load the networks' runtimes. */
import { InvalidArgumentError } from '@commander-js/extra-typings';

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
