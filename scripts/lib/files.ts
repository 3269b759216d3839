import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { MienError } from '../../src/model/errors.js';

/** Hex SHA-256 of bytes. */
export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/**
 * Writes beside the file, then renames, so that a reader sees the old file or the new one, never half.
 * @throws {MienError} `invalid_data` where it cannot be written, on a full disk for one; nothing is left behind
 */
export function writeAtomically(file: string, content: Uint8Array | string): void {
  const beside = `${file}.${process.pid}.part`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(beside, content);
    renameSync(beside, file);
  } catch (cause) {
    rmSync(beside, { force: true });
    throw new MienError('invalid_data', `cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}
