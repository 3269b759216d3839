import { z } from 'zod';

/**
 * While a schema is made zod tries `new Function`, which a page's Content-Security-Policy refuses and reports. It is told not to,
 * until all of ours are made: what it is told holds for the app's own zod too. Import this before everything that makes one.
 */
const { jitless = false } = z.config();
z.config({ jitless: true });

/** Call it once all schemas are made. */
export const evalAsBefore = (): void => {
  z.config({ jitless });
};
