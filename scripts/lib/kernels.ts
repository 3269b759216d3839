import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/assets/node.js';
import { MienError } from '../../src/model/errors.js';
import { sha256, writeAtomically } from './files.js';

const SOURCES = 'src/model/assembly';
const OPTIONS = '-O3 --noAssert --importMemory --runtime stub --initialMemory 1'.split(' ');
const require = createRequire(import.meta.url);

/**
 * Compiles the plan's kernels from AssemblyScript, or has them from before: most commands of package.json ask for them.
 * The module imports its memory, and keeps nothing in it.
 * @param relaxed with relaxed SIMD, for runtimes that have it
 * @throws MienError `internal` with the compiler's complaints
 */
export async function compileKernels(relaxed: boolean): Promise<Uint8Array> {
  const root = packageRoot();
  const options = [...OPTIONS, '--enable', relaxed ? 'simd,relaxed-simd' : 'simd'];
  const names = readdirSync(join(root, SOURCES)).sort();
  const sources = names.map((name) => [name, readFileSync(join(root, SOURCES, name), 'utf8')]);
  const { version } = require('assemblyscript/package.json');
  const key = sha256(JSON.stringify([version, options, sources]));
  const file = join(root, 'node_modules', '.cache', 'mien', `${key}.wasm`);
  if (!existsSync(file))
    writeAtomically(file, await compile([`${SOURCES}/index.ts`, ...options, '--baseDir', root]));
  return readFileSync(file);
}

/** In a process of its own: tsx, which runs this one, would take ten seconds to load the compiler's 14 MB. */
async function compile(args: string[]): Promise<Uint8Array> {
  // No file's name is the standard output.
  const command = [require.resolve('assemblyscript/bin/asc.js'), ...args, '--outFile', ''];
  try {
    return (await promisify(execFile)(process.execPath, command, { encoding: 'buffer' })).stdout;
  } catch (cause) {
    const { stderr } = cause as { stderr?: Buffer };
    throw new MienError('internal', `The kernels do not compile: ${stderr}`, { cause });
  }
}
