import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { MienError, type MienErrorCode } from '../model/errors.js';
import type { ModelFiles } from '../model/model.js';

/** What a model is called by answers: its version; the folder's name is the model's. */
const metrics = z.object({ version: z.string().min(1) });

/**
 * Reads a published model: `architecture.json`, `weights.safetensors` and, for the version, `metrics.json`.
 *
 * @param folder such as models/mien-v1; its last part is the model's name
 * @throws MienError `invalid_architecture`, `invalid_weights` or `invalid_data`, naming the file that is
 *   missing or broken. Whether the two files fit is found out by whoever compiles them.
 */
export async function loadModel(folder: string): Promise<ModelFiles> {
  if (!existsSync(folder)) throw new MienError('invalid_data', `There is no model at ${folder}.`);
  const json = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
  const architecture = await read(join(folder, 'architecture.json'), 'invalid_architecture', json);
  // Copied out of its Buffer, whose slice() is a view where a Uint8Array's is a copy.
  const weights = await read(
    join(folder, 'weights.safetensors'),
    'invalid_weights',
    (bytes) => new Uint8Array(bytes),
  );
  const { version } = await read(join(folder, 'metrics.json'), 'invalid_data', (bytes) =>
    metrics.parse(json(bytes)),
  );
  return { name: basename(resolve(folder)), version, architecture, weights };
}

async function read<T>(path: string, code: MienErrorCode, parse: (bytes: Uint8Array) => T): Promise<T> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new MienError(code, `The model has no readable ${path}.`, { cause });
  }
  try {
    return parse(bytes);
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new MienError(code, `${path} is broken: ${why}`, { cause });
  }
}
