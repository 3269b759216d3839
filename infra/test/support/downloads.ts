import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { REPOSITORY } from './image.js';

/** Where `npm run setup:native` leaves tfjs-node with a library and an addon that load here. */
const ADDON = [join(REPOSITORY, 'native'), REPOSITORY]
  .map((folder) => join(folder, 'node_modules', '@tensorflow', 'tfjs-node'))
  .find((folder) => existsSync(join(folder, 'lib', 'napi-v8', 'tfjs_binding.node')));

export const hasNative = ADDON !== undefined;

/**
 * Stands in on loopback for the host that the installers of tfjs-node and tfjs-node-gpu download from, with the library
 * and the addon that are here: the two packages' addons are the same, and without CUDA so is what they do.
 *
 * @returns what the environment must say for the installers to ask here
 */
export async function serveDownloads(): Promise<{ env: Record<string, string>; close(): void }> {
  const archives: [RegExp, string[]][] = [
    [
      /libtensorflow-[cg]pu-linux-x86_64-2\.9\.1\.tar\.gz$/,
      ['-C', join(ADDON as string, 'deps'), '-ch', 'lib'],
    ],
    [/[CG]PU-linux-4\.22\.0\.tar\.gz$/, ['-C', join(ADDON as string, 'lib'), '-cz', 'napi-v8']],
  ];
  const server = createServer(({ url = '' }, response) => {
    const archive = archives.find(([name]) => name.test(url));
    if (archive) spawn('tar', archive[1]).stdout.pipe(response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    env: {
      TFJS_NODE_BASE_URI: `${host}/libtensorflow-`,
      npm_config_tfjs_binding_binary_host_mirror: host,
    },
    close: () => server.close(),
  };
}
