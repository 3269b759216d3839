/** The server, whose photos are worked on in threads, against the recognizer that has none. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadAssets, packageRoot } from '../../../src/assets/node.js';
import { loadModel } from '../../../src/assets/node-model.js';
import { createRecognizer, type Recognizer } from '../../../src/model/recognizer.js';
import { astronaut, encodePng } from '../../support/pictures.js';
import { beside, mirrored } from '../../support/scenes.js';
import { type Server, startServer, stopServer, untilReady } from '../../support/server.js';

let server: Server;
let alone: Recognizer;
beforeAll(async () => {
  server = await startServer({ THREADS: '2', BACKEND: 'wasm' });
  const model = await loadModel(join(packageRoot(), 'models', 'mien-v1'));
  alone = await createRecognizer({ assets: await loadAssets(), model, backend: 'wasm' });
  await untilReady(server);
}, 60_000);
afterAll(async () => {
  alone?.dispose();
  await stopServer(server);
});

const two = encodePng(beside(astronaut(), mirrored(astronaut())));
const ask = async (picture: Uint8Array, query = '') => {
  const headers = { 'content-type': 'image/png' };
  const response = await fetch(`${server.url}/v1/expressions${query}`, {
    method: 'POST',
    body: new Uint8Array(picture),
    headers,
  });
  return { status: response.status, body: await response.json() };
};
/** What does not change from call to call. */
const lasting = ({ timing: _, ...rest }: Record<string, unknown>) => rest;

describe('in threads', () => {
  test('faces, scores and saliency are the same to the last bit', async () => {
    const { body } = await ask(two, '?saliency=top');
    const expected = await alone.recognize(two, { saliency: 'top' });
    expect(body.faces).toHaveLength(2);
    expect(lasting(body)).toEqual(JSON.parse(JSON.stringify(lasting({ ...expected }))));
    // The control: the two faces' maps differ, so that another's would be seen.
    expect(body.faces[0].saliency.image).not.toBe(body.faces[1].saliency.image);
  });

  test('many at a time each get their own', async () => {
    const pictures = [
      encodePng(astronaut()),
      two,
      new Uint8Array([1, 2, 3]),
      two,
      encodePng(mirrored(astronaut())),
    ];
    const together = await Promise.all(pictures.map((picture) => ask(picture)));
    for (const [i, picture] of pictures.entries()) {
      const single = await ask(picture);
      expect(together[i]?.status).toBe(single.status);
      if (single.status === 200) expect(lasting(together[i]?.body)).toEqual(lasting(single.body));
    }
    expect(together.map(({ status }) => status)).toEqual([200, 200, 415, 200, 200]);
    expect(together[2]?.body.error.code).toBe('unsupported_media_type');
  });

  test('health checks do not wait for photos', async () => {
    const photos = Array.from({ length: 8 }, () => ask(two));
    const waits: number[] = [];
    let done = false;
    const all = Promise.all(photos).then(() => {
      done = true;
    });
    while (!done) {
      const asked = performance.now();
      await fetch(`${server.url}/healthz`);
      waits.push(performance.now() - asked);
    }
    await all;
    waits.sort((one, other) => one - other);
    // A photo takes some 200 ms of a thread: whoever waited for one would see it in the median.
    expect(waits[Math.floor(waits.length / 2)]).toBeLessThan(100);
  });
});
