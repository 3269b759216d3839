import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { MienError } from '../../src/model/errors.js';

/**
 * Reads a JSON file of a shape.
 * @throws {MienError} `invalid_data`, naming file and fields
 */
export function readJson<T extends z.ZodType>(schema: T, file: string): z.output<T> {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new MienError('invalid_data', `${file} is not what it should be: ${why}`, { cause });
  }
}
