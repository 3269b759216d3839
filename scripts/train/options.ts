import { MienError } from '../../src/model/errors.js';

/** @throws {MienError} `invalid_data` where the option's value is none of those allowed */
export function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  if (!allowed.includes(value as T))
    throw new MienError('invalid_data', `--${name} is "${value}", not one of ${allowed.join(', ')}`);
  return value as T;
}

/** @throws {MienError} `invalid_data` where the option is given and no positive whole number */
export function positive(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(value))
    throw new MienError('invalid_data', `--${name} is "${value}", not a positive number`);
  return Number(value);
}
