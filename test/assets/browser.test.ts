import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchFiles } from '../../src/assets/browser.js';
import { packageRoot } from '../../src/assets/node.js';

/** A page that a server answers with instead of a file. */
const PAGE = '<!doctype html><title>Not here</title>';
/** A module of one function with an instruction that nobody knows. */
const UNKNOWN = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 6, 1, 4, 0, 0xff, 0xff, 0x0b],
);

describe('the files beside the browser bundle', () => {
  const replaced = new Map<string, string | Uint8Array>();
  const server = createServer(async ({ url = '/' }, response) => {
    const file = url.slice(1);
    response.end(replaced.get(file) ?? (await readFile(join(packageRoot(), 'dist/public/browser', file))));
  });
  let folder: URL;
  beforeAll(async () => {
    await new Promise<void>((started) => server.listen(0, '127.0.0.1', started));
    folder = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });
  afterAll(() => server.close());

  it('are read', async () => {
    replaced.clear();
    const { assets, model } = await fetchFiles(folder);
    expect(assets.wasm.tfjs).toBeInstanceOf(WebAssembly.Module);
    expect(model.name).toBe('mien-v1');
  });

  it.each([
    ['tfjs.wasm', PAGE, 'internal', /tfjs\.wasm is another file/],
    ['model.json', PAGE, 'internal', /model\.json is another file/],
    ['png.wasm', UNKNOWN, 'backend_unavailable', /cannot run http.*\/png\.wasm: /],
  ])('where %s is another say so: %#', async (file, content, code, message) => {
    replaced.clear();
    replaced.set(file, content);
    await expect(fetchFiles(folder)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
