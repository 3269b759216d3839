import type { Assets } from '../model/assets.js';
import { BACKEND_ORDER, type BackendName, createFirstBackend } from '../model/backends/index.js';
import { log } from './log.js';

/**
 * Starts what BACKEND names or, for `auto`, the fastest that starts here: a GPU, else native TensorFlow, else WebAssembly.
 * Logs why each of the others is skipped.
 *
 * @throws MienError `backend_unavailable` where what is named does not start
 */
export async function chooseBackend(setting: BackendName | 'auto', assets: Assets): Promise<BackendName> {
  const names = setting === 'auto' ? BACKEND_ORDER : [setting];
  const { name } = await createFirstBackend(names, assets, (backend, reason) =>
    log('info', 'backend skipped', { backend, reason }),
  );
  return name;
}
