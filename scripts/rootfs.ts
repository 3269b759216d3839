/**
 * Lays out the application's folder of the container image, as infra/Dockerfile copies it:
 * npm run rootfs -- --out DIR [--backend wasm|node|node-gpu]
 */
import { parseArgs } from 'node:util';
import { BACKEND_NAMES, type BackendName } from '../src/model/backends/index.js';
import { MienError } from '../src/model/errors.js';
import { main } from './lib/main.js';
import { makeRootfs } from './lib/rootfs.js';

main(async () => {
  const { values } = parseArgs({
    options: { out: { type: 'string' }, backend: { type: 'string', default: 'wasm' } },
  });
  const { out, backend } = values;
  if (!out) throw new MienError('invalid_data', 'Say where to: npm run rootfs -- --out DIR');
  if (!BACKEND_NAMES.includes(backend as BackendName)) {
    throw new MienError('invalid_data', `--backend must be one of ${BACKEND_NAMES.join(', ')}.`);
  }
  const sizes = Object.entries(makeRootfs({ out, backend: backend as BackendName }));
  for (const [name, bytes] of [
    ...sizes,
    ['together', sizes.reduce((sum, [, bytes]) => sum + bytes, 0)] as const,
  ]) {
    console.log(`${name.padEnd(16)} ${`${bytes}`.padStart(12)} bytes`);
  }
});
