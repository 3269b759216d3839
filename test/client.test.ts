import { beforeAll, describe, expect, test, vi } from 'vitest';
import { loadAssets } from '../src/assets/node.js';
import { type Client, ClientError, createClient, MienError, type Photo } from '../src/client.js';
import { createApp } from '../src/handlers/app.js';
import { createRecognizer, type Recognizer } from '../src/model/recognizer.js';
import { astronautBytes } from './support/pictures.js';
import { untrainedModel } from './support/untrained.js';

describe('createClient', () => {
  const photo = astronautBytes();
  let recognizer: Recognizer;
  let client: Client;
  const requests: Request[] = [];

  /** Sends to the app, without a network between. */
  const appFetch: typeof fetch = async (address, init) => {
    const request = new Request(address as URL, init);
    requests.push(request);
    return createApp({ recognizer, ready: () => true }).request(request);
  };

  beforeAll(async () => {
    recognizer = await createRecognizer({
      assets: await loadAssets(),
      model: untrainedModel(),
      backend: 'wasm',
    });
    client = createClient({ url: 'http://mien.test', key: 'secret', fetch: appFetch });
  });

  test('answers what the recognizer sees', async () => {
    const { faces } = await recognizer.recognize(photo, { saliency: 'sad', maxFaces: 1 });
    expect(faces).toHaveLength(1);
    for (const body of [
      photo,
      photo.buffer.slice(photo.byteOffset, photo.byteOffset + photo.length),
      new Blob([photo as BlobPart]),
    ]) {
      expect((await client.recognize(body, { saliency: 'sad', maxFaces: 1 })).faces).toEqual(faces);
    }
    const request = requests.at(-1) as Request;
    expect(request.url).toBe('http://mien.test/v1/expressions?saliency=sad&maxFaces=1');
    expect(request.headers.get('authorization')).toBe('Bearer secret');
  });

  test('keeps the path of its address', async () => {
    const under = createClient({ url: 'http://mien.test/faces/', fetch: appFetch });
    await expect(under.recognize(photo)).rejects.toMatchObject({ code: 'not_found', status: 404 });
    expect((requests.at(-1) as Request).url).toBe('http://mien.test/faces/v1/expressions');
    expect((requests.at(-1) as Request).headers.get('authorization')).toBeNull();
  });

  test('throws what the server refuses, with its id', async () => {
    const error = await client.recognize(photo.slice(0, 1000)).catch((cause) => cause);
    expect(error).toBeInstanceOf(ClientError);
    expect(error).toMatchObject({
      code: 'invalid_image',
      status: 400,
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test('says when to come again', async () => {
    const busy: typeof fetch = async () =>
      Response.json(
        { error: { code: 'rate_limited', message: 'Too many.', requestId: 'r1' } },
        { status: 429, headers: { 'retry-after': '7' } },
      );
    const error = await createClient({ url: 'http://mien.test', fetch: busy })
      .recognize(photo)
      .catch((cause) => cause);
    expect(error).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 7, message: 'Too many.' });
  });

  test('says when to come again where a proxy refuses in HTML', async () => {
    const proxy: typeof fetch = async () =>
      new Response('<html>', { status: 503, headers: { 'retry-after': '7' } });
    const error = await createClient({ url: 'http://mien.test', fetch: proxy })
      .recognize(photo)
      .catch((cause) => cause);
    expect(error).toMatchObject({ code: 'no_answer', status: 503, retryAfterSeconds: 7 });
  });

  test.each<[string, typeof fetch, RegExp]>([
    ['is not there', () => Promise.reject(new TypeError('fetch failed')), /fetch failed/],
    ['is something else', async () => new Response('<html>'), /does not answer as mien does/],
    [
      'takes too long',
      (_, init) =>
        new Promise((_, reject) =>
          init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)),
        ),
      /not within 20 ms/,
    ],
  ])('throws where the server %s', async (_, fetch, message) => {
    const error = await createClient({ url: 'http://mien.test', fetch, timeoutMs: 20 })
      .recognize(photo)
      .catch((cause) => cause);
    expect(error).toMatchObject({
      name: 'ClientError',
      code: 'no_answer',
      message: expect.stringMatching(message),
    });
  });

  test('says when to come again where a proxy refuses without a reason, and names a date', async () => {
    const proxy: typeof fetch = async () => {
      const headers = { 'retry-after': new Date(Date.now() + 7000).toUTCString() };
      return Response.json({ error: null }, { status: 503, headers });
    };
    const error = await createClient({ url: 'http://mien.test', fetch: proxy })
      .recognize(photo)
      .catch((cause) => cause);
    expect(error).toMatchObject({ code: 'no_answer', status: 503, message: 'The server answers 503.' });
    expect([6, 7]).toContain(error.retryAfterSeconds);
  });

  test('names the address that it is redirected to', async () => {
    const moved: typeof fetch = async () =>
      Object.defineProperties(Response.json({ error: { code: 'method_not_allowed' } }, { status: 405 }), {
        redirected: { value: true },
        url: { value: 'https://mien.test/v1/expressions' },
      });
    await expect(createClient({ url: 'http://mien.test', fetch: moved }).recognize(photo)).rejects.toThrow(
      'it redirects to https://mien.test/v1/expressions; give that address',
    );
  });

  test.each([
    '/home/me/photo.jpg',
    new URL('http://mien.test/photo.jpg'),
    42,
    {},
    undefined,
    null,
  ])('sends nothing of what is no photo: %j', async (photo) => {
    requests.length = 0;
    const refused = { code: 'invalid_request', message: expect.stringContaining('A photo is') };
    const given = photo as unknown as Photo;
    const error = await client.recognize(given).catch((cause) => cause);
    expect(error).toBeInstanceOf(MienError);
    expect(error).toMatchObject(refused);
    await expect(client.recognizeBatch([new Uint8Array(1), given])).rejects.toMatchObject(refused);
    expect(requests).toEqual([]);
  });

  test('sends a photo that threads share', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(photo.length));
    shared.set(photo);
    const { faces } = await client.recognize(shared, { maxFaces: 1 });
    expect(faces).toHaveLength(1);
    expect(await client.recognizeBatch([shared], { maxFaces: 1 })).toMatchObject([{ faces }]);
  });

  test('is not made for an address with a password, which its error keeps, nor for a time or a key that is none', () => {
    const message = (options: object) => {
      try {
        createClient({ url: 'http://mien.test', ...options });
      } catch (error) {
        return `${error}`;
      }
    };
    expect(message({ url: 'http://me:secret@mien.test' })).toMatch(/^TypeError: url may have neither/);
    expect(message({ url: 'http://me:secret@mien.test' })).not.toContain('secret');
    for (const timeoutMs of [Number.NaN, -1, '5s'])
      expect(message({ timeoutMs })).toMatch(/^TypeError: timeoutMs has to be a number/);
    for (const key of ['hidden\nkey', 'hidden\0key']) {
      expect(message({ key })).toMatch(/^TypeError: key has a line break/);
      expect(message({ key })).not.toContain('hidden');
    }
  });

  test.each(['localhost:8911', '', undefined])('is not made for the address %j', (url) => {
    expect(() => createClient({ url: url as string })).toThrow(/^url has to be a server's address/);
  });

  test('waits for ever where it is told to', async () => {
    const patient = createClient({ url: 'http://mien.test', fetch: appFetch, timeoutMs: Infinity });
    expect((await patient.recognize(photo, { maxFaces: 1 })).faces).toHaveLength(1);
  });

  test('gives each of several photos its result or its error', async () => {
    const { faces } = await recognizer.recognize(photo, { maxFaces: 1 });
    const [one, two, three] = await client.recognizeBatch(
      [photo, photo.slice(0, 1000), new Blob([photo as BlobPart])],
      { maxFaces: 1 },
    );
    expect([one, three]).toMatchObject([{ faces }, { faces }]);
    expect(two).toMatchObject({ error: { code: 'invalid_image' } });
    await expect(client.recognizeBatch([])).rejects.toMatchObject({ code: 'invalid_request', status: 400 });
  });

  test('streams frames, and reads each answer before the next frame is made', async () => {
    const order: string[] = [];
    async function* frames() {
      for (const frame of [photo, photo.slice(0, 1000), photo]) {
        order.push('sent');
        yield frame;
      }
    }
    const tracks = [];
    for await (const answer of client.recognizeStream(frames(), { smoothing: 0.5 })) {
      order.push('read');
      tracks.push('error' in answer ? answer.error.code : answer.faces[0]?.track);
    }
    expect(tracks).toEqual([1, 'invalid_image', 1]);
    expect(order.slice(0, 3)).toContain('read');
  });

  test('takes frames for as long as they come from a server that answers before the first', async () => {
    const quick = createClient({ url: 'http://mien.test', fetch: appFetch, timeoutMs: 100 });
    async function* slow() {
      for (let frame = 0; frame < 3; frame++) {
        await new Promise((resolve) => setTimeout(resolve, 80));
        yield photo;
      }
    }
    const answers = [];
    for await (const answer of quick.recognizeStream(slow())) answers.push(answer);
    expect(answers).toHaveLength(3);
  });

  test('stops sending where the reader stops, and throws where a stream breaks off', async () => {
    let stopped = false;
    function* endless() {
      try {
        for (;;) yield photo;
      } finally {
        stopped = true;
      }
    }
    for await (const answer of client.recognizeStream(endless())) {
      expect(answer.frame).toBe(0);
      break;
    }
    await vi.waitFor(() => expect(stopped).toBe(true));

    const breaking: typeof fetch = async () =>
      new Response(new ReadableStream({ pull: (controller) => controller.error(new Error('reset')) }));
    const broken = createClient({ url: 'http://mien.test', fetch: breaking }).recognizeStream([photo]);
    await expect(broken.next()).rejects.toMatchObject({ code: 'no_answer' });
    const wrong = client.recognizeStream([photo], { smoothing: 7 });
    await expect(wrong.next()).rejects.toMatchObject({ code: 'invalid_request', status: 400 });
  });

  test('throws the caller’s own reason where the caller gives up', async () => {
    const gone = AbortSignal.abort(new Error('gone'));
    const waiting: typeof fetch = async (_, init) => {
      init?.signal?.throwIfAborted();
      return new Response();
    };
    const patient = createClient({ url: 'http://mien.test', fetch: waiting });
    await expect(patient.recognize(photo, { signal: gone })).rejects.toThrow('gone');
    await expect(patient.recognizeStream([photo], { signal: gone }).next()).rejects.toThrow('gone');
  });

  test('may be given up by one signal for many requests', async () => {
    const warned = vi.fn();
    process.on('warning', warned);
    const { signal } = new AbortController();
    const quick = createClient({
      url: 'http://mien.test',
      fetch: async () => Response.json({ faces: [] }),
    });
    await Promise.all(Array.from({ length: 30 }, () => quick.recognize(photo, { signal })));
    await new Promise(setImmediate);
    process.off('warning', warned);
    expect(warned).not.toHaveBeenCalled();
  });
});
