import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Path of a Chromium: $CHROMIUM, or Debian's; undefined where there is none. */
export const chromiumPath = [process.env.CHROMIUM, '/usr/bin/chromium'].find(
  (path) => path !== undefined && existsSync(path),
);

/** What a sandboxed, offline machine needs: Chromium's own errands fail there, noisily. */
const ARGUMENTS = [
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** Starts it without a window. */
export function launchChromium(...args: string[]): Promise<Browser> {
  // Root may not use Chromium's sandbox.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({
    executablePath: chromiumPath as string,
    args: [...ARGUMENTS, ...sandbox, ...args],
  });
}
