import { join } from 'node:path';
import { main as compile } from 'assemblyscript/asc';
import { packageRoot } from '../../src/assets/node.js';
import { MienError } from '../../src/model/errors.js';

const SOURCE = 'src/model/plan/kernels/assembly/index.ts';
const OPTIONS = '-O3 --noAssert --importMemory --runtime stub --initialMemory 1'.split(' ');
/** Written to memory alone. */
const OUT = join('dist', 'kernels.wasm');

/**
 * Compiles the plan's kernels from AssemblyScript. The module imports its memory, and keeps nothing in it.
 * @param relaxed with relaxed SIMD, for runtimes that have it
 * @throws MienError `internal` with the compiler's complaints
 */
export async function compileKernels(relaxed: boolean): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const features = relaxed ? 'simd,relaxed-simd' : 'simd';
  const { error, stderr } = await compile(
    [SOURCE, ...OPTIONS, '--enable', features, '--baseDir', packageRoot(), '--outFile', OUT],
    {
      writeFile(_, contents) {
        if (typeof contents !== 'string') binary = contents;
      },
    },
  );
  if (error || !binary)
    throw new MienError('internal', `The kernels do not compile: ${stderr}`, { cause: error });
  return binary;
}
