import { z } from 'zod';

/** A whole number in decimal digits, as a query or an environment variable has it, within bounds that count themselves. */
export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`));
