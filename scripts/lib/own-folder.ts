import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MienError } from '../../src/model/errors.js';

/**
 * Refuses to replace a folder that was not written by whoever asks: `--out` may name anything.
 *
 * @param mark a file that is in every folder that the asker writes
 * @throws {MienError} `invalid_data` where the folder is not empty and has no such file, or is no folder
 */
export function refuseForeign(folder: string, mark: string): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) throw new MienError('invalid_data', `${folder} is not a folder.`);
  if (readdirSync(folder).length === 0 || existsSync(join(folder, mark))) return;
  throw new MienError(
    'invalid_data',
    `${folder} is not empty and has no ${mark}, so it is not replaced: give another one.`,
  );
}

/** Writes beside the folder, then puts that in its place: where writing fails, what was there stays. */
export async function replaceFolder(
  folder: string,
  write: (beside: string) => Promise<unknown>,
): Promise<void> {
  const beside = `${folder}.${process.pid}.part`;
  try {
    mkdirSync(beside, { recursive: true });
    await write(beside);
    rmSync(folder, { recursive: true, force: true });
    renameSync(beside, folder);
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}
