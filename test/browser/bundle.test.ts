import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleBrowser } from '../../scripts/lib/browser-bundle.js';
import { loadAssets } from '../../src/assets/node.js';
import type { loadRecognizer } from '../../src/browser.js';
import type { MienError } from '../../src/model/errors.js';
import { createImageDecoder } from '../../src/model/image.js';
import { createRecognizer, type Recognition } from '../../src/model/recognizer.js';
import { chromiumPath, launchChromium } from '../support/chromium.js';
import { astronautBytes, encodeJpeg, pattern } from '../support/pictures.js';
import { untrainedFolder, untrainedModel } from '../support/untrained.js';

if (!chromiumPath) console.warn('No Chromium (set CHROMIUM): the browser bundle is not tested.');

describe.skipIf(!chromiumPath)('the browser bundle, on a plain file server', () => {
  const out = mkdtempSync(join(tmpdir(), 'mien-browser-'));
  const requested: string[] = [];
  const complaints: string[] = [];
  let server: Server;
  let browser: Browser;
  let page: Page;

  const photo = Buffer.from(astronautBytes());
  const send = (name: string, buffer: Buffer) =>
    page.setInputFiles('input', { name, mimeType: 'image/png', buffer });
  const answer = async (pattern: RegExp) =>
    (await page.locator('pre').filter({ hasText: pattern }).textContent()) as string;

  beforeAll(async () => {
    const model = untrainedFolder();
    await bundleBrowser({ out, model: model.folder });
    model.remove();
    const files = new Hono().use(async ({ req }, next) => {
      requested.push(`${req.method} ${req.path}`);
      await next();
    });
    const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";
    files.get('/site/mien/strict', (c) =>
      c.html('<!doctype html>', 200, { 'content-security-policy': policy }),
    );
    files.use('/site/mien/*', serveStatic({ root: out, rewriteRequestPath: (path) => path.slice(10) }));
    server = serve({ fetch: files.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
    browser = await launchChromium();
    page = await browser.newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/site/mien/example.html`);
    await answer(/^Ready/);
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(out, { recursive: true, force: true });
  });

  test('finds the same face with the same probabilities as Node', async () => {
    await send('photo.png', photo);
    const there: Recognition = JSON.parse(await answer(/^\{/));
    const assets = await loadAssets();
    const recognizer = await createRecognizer({ assets, model: untrainedModel(), backend: 'wasm' });
    const here = await recognizer.recognize(photo);
    const plain = (recognition: Recognition) =>
      recognition.faces.map((face) => ({ ...face, expressions: face.expressions.map(({ label }) => label) }));
    expect(plain(there)).toEqual(plain(here));
    const scores = ({ faces }: Recognition) => faces[0]?.expressions.map(({ score }) => score) ?? [];
    expect(scores(here)).toHaveLength(7);
    scores(here).forEach((score, index) => {
      expect(Math.abs(score - (scores(there)[index] ?? 2))).toBeLessThanOrEqual(1e-6);
    });
    // The control: another picture's scores are further apart than that.
    const other = await recognizer.classify(new Uint8Array(48 * 48).fill(60));
    expect(Math.abs(Math.max(...other) - (scores(here)[0] as number))).toBeGreaterThan(1e-5);
    recognizer.dispose();
  });

  test('says what is wrong with a picture, and goes on', async () => {
    await send('broken.png', photo.subarray(0, photo.length / 2));
    expect(await answer(/truncated/)).toBe('The png is truncated or corrupt.');
    await send('empty.jpg', Buffer.from(await encodeJpeg(pattern(40, 30))));
    expect(JSON.parse(await answer(/^\{/))).toMatchObject({ image: { width: 40, height: 30 }, faces: [] });
  });

  test('in a worker, answers come in the order of the pictures, from the first on', async () => {
    const files = [photo, Buffer.of(1), Buffer.from(await encodeJpeg(pattern(40, 30)))];
    const answers = await page.evaluate(
      (pictures) => {
        const worker = new Worker('worker.js', { type: 'module' });
        return new Promise<unknown[]>((resolve) => {
          const got: unknown[] = [];
          worker.onmessage = ({ data }) => {
            got.push(data.error ?? data.recognition.image.width);
            if (got.length === pictures.length) resolve(got);
          };
          for (const picture of pictures)
            worker.postMessage({ bytes: Uint8Array.from(picture), options: {} });
        });
      },
      files.map((file) => [...file]),
    );
    const refused = await createImageDecoder((await loadAssets()).wasm)
      .decode(Buffer.of(1))
      .catch((error: MienError) => error);
    const { code, message, details } = refused as MienError;
    expect(details).toMatchObject({ supported: expect.any(Array) }); // the control: there is something to lose
    expect(answers).toEqual([512, { code, message, details }, 40]);
  });

  test('in a worker, what is no question is answered with an error, and the next as ever', async () => {
    const answers = await page.evaluate(
      (picture) => {
        const worker = new Worker('worker.js', { type: 'module' });
        return new Promise<unknown[]>((resolve) => {
          const got: unknown[] = [];
          worker.onmessage = ({ data }) => {
            got.push(data.error?.code ?? data.recognition.image.width);
            if (got.length === 3) resolve(got);
          };
          worker.postMessage(null);
          worker.postMessage('photo.jpg');
          worker.postMessage({ bytes: Uint8Array.from(picture) });
        });
      },
      [...photo],
    );
    expect(answers).toEqual(['invalid_request', 'invalid_request', 512]);
  });

  test('can be imported where there is no browser, for pages that are rendered on a server', async () => {
    const library = await import(pathToFileURL(join(out, 'mien.js')).href);
    expect(library.LABELS).toHaveLength(7);
  });

  test('names no file that bundlers of apps would look for in vain', () => {
    const bundle = readFileSync(join(out, 'mien.js'), 'utf8');
    const named = [...bundle.matchAll(/"([\w-]+\.wasm)",import\.meta\.url/g)].map(
      ([, name]) => name as string,
    );
    expect(named.filter((name) => !existsSync(join(out, name)))).toEqual([]);
    expect(bundle).not.toContain('typeof __filename');
  });

  test('needs of a strict policy what it says alone, and leaves zod’s settings to the page', async () => {
    const strict = await browser.newPage();
    await strict.goto(new URL('strict', page.url()).href);
    const refused = await strict.evaluateHandle(() => {
      const seen: string[] = [];
      document.addEventListener('securitypolicyviolation', ({ blockedURI }) => seen.push(blockedURI));
      return seen;
    });
    const told = () => refused.evaluate((seen) => new Promise((done) => setTimeout(() => done(seen), 100)));
    await strict.evaluate("import('./mien.js').then((mien) => mien.loadRecognizer()).then(() => {})");
    expect(await told()).toEqual([]);
    expect(await strict.evaluate('__zod_globalConfig.jitless')).toBe(false);
    // The control: what is refused is seen. By a timer, since what is evaluated from outside may do so.
    await strict.evaluate('setTimeout(() => Function());');
    expect(await told()).toEqual(['eval']);
    await strict.close();
  });

  test.each([
    ['', '/site/mien/'],
    ['../models', '/site/models/'],
    ['../models/?of=today', '/site/models/'],
    ['../models?of=today', '/site/models/'],
  ])('takes its files from the folder %j', async (folder, path) => {
    const mien = await page.evaluateHandle<{ loadRecognizer: typeof loadRecognizer }>("import('./mien.js')");
    const message = await mien.evaluate(async ({ loadRecognizer }, from) => {
      const real = globalThis.fetch;
      globalThis.fetch = () => Promise.reject(new Error('not now'));
      const failure = await loadRecognizer({ folder: from }).catch((error: Error) => error.message);
      globalThis.fetch = real;
      return `${failure}`; // which begins with the address
    }, folder);
    expect(new URL('.', message.split(' ')[0]).pathname).toBe(path);
  });

  test('sends no picture anywhere and logs no error', () => {
    expect(requested.length).toBeGreaterThan(8);
    // Of the plan's kernels, those for this browser alone.
    expect(new Set(requested.filter((line) => line.includes('kernels')))).toEqual(
      new Set(['GET /site/mien/kernels-relaxed.wasm']),
    );
    expect(requested.filter((line) => !/^GET \/site\/mien\/[\w.-]+$/.test(line))).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
