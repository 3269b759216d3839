import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { MienError } from '../../src/model/errors.js';

/** As in engines/torch/hold.py. The lock is the system's and goes with its process, so the file may stay. */
const LOCK = 'lock';

/**
 * Makes a folder this process's alone, until what it gives is called or the process ends, however it ends. Two that train
 * one run would overwrite each other's checkpoint.
 * @throws {MienError} `invalid_data` where another holds it, whom the message names, or where it cannot be held
 */
export function hold(folder: string): () => void {
  const file = join(folder, LOCK);
  try {
    mkdirSync(folder, { recursive: true });
    const lock = openSync(file, 'a+');
    if (tryLock(lock)) {
      ftruncateSync(lock);
      writeSync(lock, `process ${process.pid} on ${hostname()}`);
      return () => closeSync(lock);
    }
    closeSync(lock);
  } catch (cause) {
    throw new MienError('invalid_data', `cannot hold ${folder}: ${(cause as Error).message}`, { cause });
  }
  const holder = readFileSync(file, 'utf8') || 'another process';
  throw new MienError('invalid_data', `${folder} is held by ${holder}, which has to end first`);
}
