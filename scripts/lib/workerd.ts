/** The Worker's bundle in workerd, the runtime that Cloudflare runs it in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Miniflare, type MiniflareOptions } from 'miniflare';
import type { WorkerModule } from './worker-bundle.js';

export interface Workerd {
  /** Base address, without a slash at its end. */
  url: string;
  /** Port of the inspector, for heap measurements. */
  inspectorUrl: URL;
  stop(): Promise<void>;
}

/**
 * Starts what `bundleWorker` has written to `folder`, with the compatibility date of wrangler.jsonc.
 *
 * @param requestsAMinute what the rate-limit binding lets an address do; without it, it is not bound
 * @param variables beside those of wrangler.jsonc
 */
export async function startWorkerd(
  folder: string,
  modules: WorkerModule[],
  requestsAMinute?: number,
  variables: Record<string, string> = {},
): Promise<Workerd> {
  const config = JSON.parse(readFileSync(join(folder, 'wrangler.json'), 'utf8'));
  const options: MiniflareOptions = {
    modules: modules.map(({ name, type }) => ({
      type,
      path: join(folder, name),
      contents: readFileSync(join(folder, name)),
    })),
    modulesRoot: folder,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    bindings: { ...config.vars, ...variables },
    host: '127.0.0.1',
    inspectorPort: 0,
    ...(requestsAMinute && {
      ratelimits: { RATE_LIMIT: { simple: { limit: requestsAMinute, period: 60 as const } } },
    }),
  };
  const miniflare = new Miniflare(options);
  const url = (await miniflare.ready).href.replace(/\/$/, '');
  return { url, inspectorUrl: await miniflare.getInspectorURL(), stop: () => miniflare.dispose() };
}
