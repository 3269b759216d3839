import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../../src/assets/node.js';
import { MienError } from '../../src/model/errors.js';

/** What mien is compared with is a package of its own, bench/, so that nobody else has to install it. */
const require = createRequire(join(packageRoot(), 'bench', 'package.json'));

/** Where a file of a peer is, or undefined where it is not installed. */
export function findPeer(file: string): string | undefined {
  try {
    return require.resolve(file);
  } catch {
    return undefined;
  }
}

/**
 * Loads a peer.
 * @throws {MienError} `backend_unavailable` where it is not installed, saying how to
 */
export function loadPeer<T>(file: string): T {
  const path = findPeer(file);
  if (!path)
    throw new MienError(
      'backend_unavailable',
      `${file} is not installed: npm run setup:bench installs what mien is compared with.`,
    );
  return require(path);
}
