import type { ChildProcess } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { enter, type Image } from './image.js';

/** A server that runs from an image. */
export interface Container {
  process: ChildProcess;
  url: string;
  /** Everything written so far. */
  output(): string;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
}

/** A port that was free a moment ago: the health check needs to know it beforehand. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** `docker run -e ... IMAGE ...`: the image's entry and the arguments, in its environment and the given one. */
export function start(image: Image, env: Record<string, string>, ...args: string[]): Container {
  const child = enter(image, [...image.entrypoint, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  return {
    process: child,
    url: `http://127.0.0.1:${env.SAGEMAKER_BIND_TO_PORT ?? env.PORT}`,
    output: () => output,
    ended: new Promise((done) => child.once('close', done)),
  };
}

/** Asks until the path answers 200, for a minute at most. */
export async function untilOk({ url, process, output }: Container, path: string): Promise<void> {
  for (let attempt = 0; attempt < 600 && process.exitCode === null; attempt++) {
    if ((await fetch(url + path).catch(() => undefined))?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${path} never answered 200: ${output()}`);
}
