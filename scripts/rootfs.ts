import { main, npmCommand } from './lib/command.js';
import { backendOption } from './lib/options.js';
import { makeRootfs } from './lib/rootfs.js';

const command = npmCommand('rootfs')
  .description("Lays out the application's folder of the container image, as infra/Dockerfile copies it.")
  .requiredOption('--out <folder>', 'where to')
  .addOption(backendOption('what the image computes on'));

function layOut(options: ReturnType<typeof command.opts>): void {
  const sizes = Object.entries(makeRootfs(options));
  for (const [name, bytes] of [
    ...sizes,
    ['together', sizes.reduce((sum, [, bytes]) => sum + bytes, 0)] as const,
  ]) {
    console.log(`${name.padEnd(16)} ${`${bytes}`.padStart(12)} bytes`);
  }
}

main(command.action(layOut));
