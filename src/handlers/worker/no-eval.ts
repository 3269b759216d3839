import { z } from 'zod';

/**
 * Workers refuse `new Function`, with which zod compiles schemas. It looks while a schema is made, so this
 * is imported before everything that makes one.
 */
z.config({ jitless: true });
