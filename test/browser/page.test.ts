import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Orientation } from '../../src/model/image/exif.js';
import { chromiumPath, launchChromium } from '../support/chromium.js';
import {
  astronaut,
  astronautBytes,
  encodePng,
  encodeWebp,
  exifBlock,
  pattern,
  storedAs,
  webpWithExif,
} from '../support/pictures.js';
import { type Server, startServer, stopServer, untilReady } from '../support/server.js';
import { stillVideo } from '../support/video.js';

/** Where to leave screenshots, to be looked at; none are taken otherwise. */
const screenshots = process.env.SCREENSHOTS;

if (!chromiumPath) console.warn('No Chromium (set CHROMIUM): the page is not tested.');

interface AxeViolation {
  id: string;
  impact: string;
  nodes: { html: string }[];
}

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  json: unknown;
}

const refusal = (status: number, message: string, headers = {}): Answer => ({
  status,
  headers,
  json: { error: { message } },
});

/** One face, surely of this label. */
const seen = (label: string, face = {}): Answer => ({
  json: {
    image: { width: 512, height: 512 },
    faces: [
      {
        box: { x: 0.3, y: 0.1, width: 0.2, height: 0.2 },
        confidence: 1,
        roll: 0,
        expressions: [{ label, score: 1 }],
        ...face,
      },
    ],
    model: { name: 'mien-v1', version: '0.0.0' },
    backend: 'wasm',
    timing: { decodeMs: 1, detectMs: 1, inferMs: 1, totalMs: 3 },
  },
});

describe.skipIf(!chromiumPath)('the page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mien-page-'));
  const video = join(folder, 'face.y4m');
  let server: Server;
  let browser: Browser;
  let page: Page;
  let sent: string[] = [];
  let complaints: string[] = [];

  const photo = Buffer.from(astronautBytes());
  const choose = (name: string, buffer: Buffer) =>
    page.setInputFiles('#file', { name, mimeType: 'image/png', buffer });
  const said = (text: string) => page.locator('[role=status]', { hasText: text }).waitFor();
  /** Longer than expect.poll's own second, for machines that have other work. */
  const eventually = <T>(value: () => T) => expect.poll(value, { timeout: 10_000 });
  const picture = async (name: string) => {
    if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
  };
  /** Mean red less mean green of the part of the canvas where the astronaut's mouth is. */
  const redness = () =>
    page.locator('canvas').evaluate((canvas) => {
      // A copy, since reading the page's own canvas again and again makes Chromium complain.
      const context = new OffscreenCanvas(30, 20).getContext('2d') as OffscreenCanvasRenderingContext2D;
      context.drawImage(canvas as HTMLCanvasElement, -205, -135);
      const { data } = context.getImageData(0, 0, 30, 20);
      let sum = 0;
      for (let at = 0; at < data.length; at += 4) sum += (data[at] as number) - (data[at + 1] as number);
      return sum / (data.length / 4);
    });
  /** Red, green and blue of one of the canvas's pixels. */
  const pixel = (x: number, y: number) =>
    page.locator('canvas').evaluate(
      (canvas, [left, top]) => {
        const context = new OffscreenCanvas(1, 1).getContext('2d') as OffscreenCanvasRenderingContext2D;
        context.drawImage(canvas as HTMLCanvasElement, -left, -top);
        return [...context.getImageData(0, 0, 1, 1).data.subarray(0, 3)];
      },
      [x, y] as const,
    );
  const canvasSize = () =>
    page.locator('canvas').evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      return [width, height];
    });
  const alerted = (text: string) => page.locator('[role=alert]', { hasText: text }).waitFor();
  const seriousFindings = async () => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() =>
      (globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } }).axe.run(),
    );
    return violations
      .filter(({ impact }) => ['serious', 'critical'].includes(impact))
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  };
  const axe = (createRequire(import.meta.url)('axe-core') as { source: string }).source;

  beforeAll(async () => {
    writeFileSync(video, stillVideo(astronaut()));
    server = await startServer({});
    await untilReady(server);
    browser = await launchChromium(
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${video}`,
      '--host-resolver-rules=MAP elsewhere.test 127.0.0.1',
    );
  }, 60_000);

  beforeAll(() => open(1280));
  afterEach(() => expect(complaints).toEqual([]));
  afterAll(async () => {
    await browser?.close();
    if (server) await stopServer(server);
    rmSync(folder, { recursive: true });
  });

  /** Answers the page's requests in the server's place, by what `answer` gives for each, counted from 0. */
  const answerBy = (
    answer: (count: number) => Promise<Answer | undefined> | Answer | undefined,
  ): Promise<unknown> => {
    let count = 0;
    return page.route('**/v1/expressions*', async (route) => {
      const given = await answer(count++);
      if (!given) return route.continue();
      const { status = 200, headers = {}, json } = given;
      return route.fulfill({ status, headers, json });
    });
  };

  async function open(width: number, colorScheme: 'light' | 'dark' = 'light'): Promise<void> {
    await page?.close();
    page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    complaints = [];
    sent = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (request.method() === 'POST') sent.push(new URL(request.url()).pathname);
    });
    await page.goto(`${server.url}/`);
  }

  test('shows what the server sees in a chosen picture', async () => {
    expect(await page.locator('#result').isVisible()).toBe(false);
    await choose('astronaut.png', photo);
    await said('1 face (1: happy).');
    expect(await page.locator('#faces h2').allTextContents()).toEqual(['Face 1: happy']);
    const shares = await page.locator('#faces td:last-child').allTextContents();
    expect(shares).toHaveLength(7);
    expect(shares.reduce((sum, share) => sum + Number.parseFloat(share), 0)).toBeCloseTo(100, 0);
    expect(await page.locator('#timing').textContent()).toMatch(
      /^mien-v1 \S+ on wasm, on the server: decoded in \d+ ms, faces found in \d+ ms, scored in \d+ ms\.$/,
    );
    expect(sent).toEqual(['/v1/expressions']);
    await picture('server-1280');
  });

  test('lays over the face what speaks for its expression', async () => {
    const before = await redness();
    await page.check('#saliency');
    await eventually(redness).toBeGreaterThan(before + 40);
    expect(await page.locator('[role=alert]').textContent()).toBe('');
    await picture('saliency-1280');
    await page.uncheck('#saliency');
    await eventually(redness).toBeLessThan(before + 1);
  });

  test('says what is wrong with a file, and is well again with the next', async () => {
    await choose('notes.png', Buffer.from('not a picture'));
    await page.locator('[role=alert]', { hasText: 'JPEG' }).waitFor();
    expect(await page.locator('#result').isVisible()).toBe(false);
    await picture('error-1280');
    // Chromium itself notes the status of every failed request.
    expect(complaints.splice(0)).toEqual([expect.stringContaining('415')]);
    await choose('astronaut.png', photo);
    await said('1 face (1: happy).');
    expect(await page.locator('[role=alert]').textContent()).toBe('');
  });

  test('works by keyboard alone', async () => {
    await open(1280);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('file');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('camera');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('[value=browser]').isChecked()).toBe(true);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    expect(await page.locator('#saliency').isChecked()).toBe(true);
  });

  test('sees the same in the browser, and sends nothing', async () => {
    await choose('astronaut.png', photo);
    await said('1 face (1: happy).');
    expect(await page.locator('#timing').textContent()).toMatch(/^mien-v1 \S+ on wasm, in this browser: /);
    expect(await redness()).toBeGreaterThan(100); // saliency is still asked for
    await choose('notes.png', Buffer.from('not a picture'));
    await page.locator('[role=alert]', { hasText: 'JPEG' }).waitFor();
    expect(sent).toEqual([]);
  });

  test('looks through the camera until it is stopped', async () => {
    await page.click('#camera');
    await said('1 face (1: happy).');
    expect(await page.locator('#camera').textContent()).toBe('Stop the camera');
    await picture('camera-1280');
    await page.click('#camera');
    expect(await page.locator('#camera').textContent()).toBe('Use the camera');
    expect(sent).toEqual([]);
  });

  test('goes on after the server was busy, when that says, and ends where it is wrong', async () => {
    await open(1280);
    const times: number[] = [];
    let broken = false;
    await answerBy((count) => {
      times.push(performance.now());
      if (count === 0) return refusal(429, 'Too many requests.', { 'retry-after': '2' });
      return broken ? refusal(500, 'Broken.') : undefined;
    });
    await page.click('#camera');
    await page.locator('[role=alert]', { hasText: 'Too many requests.' }).waitFor();
    await said('1 face (1: happy).');
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThan(1900);
    broken = true;
    await page.locator('[role=alert]', { hasText: 'Broken.' }).waitFor();
    await eventually(() => page.locator('#camera').textContent()).toBe('Use the camera');
    expect(complaints.splice(0)).toEqual([expect.stringContaining('429'), expect.stringContaining('500')]);
  });

  test('says of the camera what has changed, every two seconds at most', async () => {
    await open(1280);
    await answerBy((count) => seen(count % 2 ? 'sad' : 'happy'));
    await page.evaluate(() => {
      const times: number[] = [];
      Object.assign(globalThis, { times });
      new MutationObserver(() => times.push(performance.now())).observe(
        document.querySelector('#status') as Element,
        { childList: true },
      );
    });
    await page.click('#camera');
    await said('(1: sad).');
    await said('(1: happy).');
    const times = await page.evaluate(() => (globalThis as unknown as { times: number[] }).times);
    await page.click('#camera');
    // 'Looking …', happy, sad, happy.
    const [, first, second, third] = times as [number, number, number, number];
    expect(second - first).toBeGreaterThanOrEqual(2000);
    expect(third - second).toBeGreaterThanOrEqual(2000);
    expect(sent.length).toBeGreaterThan(4);
  });

  test('may be asked for the camera again while the browser asks, and lets go of the first', async () => {
    await open(1280);
    await page.evaluate(() => {
      const { mediaDevices } = navigator;
      const real = mediaDevices.getUserMedia.bind(mediaDevices);
      const [answers, streams]: [(() => void)[], MediaStream[]] = [[], []];
      Object.assign(globalThis, { answers, streams });
      mediaDevices.getUserMedia = async (constraints) => {
        await new Promise<void>((resolve) => answers.push(resolve));
        const stream = await real(constraints);
        streams.push(stream);
        return stream;
      };
    });
    const allow = (which: number) =>
      page.evaluate((at) => (globalThis as unknown as { answers: (() => void)[] }).answers[at]?.(), which);
    const states = () =>
      page.evaluate(() =>
        (globalThis as unknown as { streams: MediaStream[] }).streams.map(
          (stream) => stream.getTracks()[0]?.readyState,
        ),
      );
    await page.focus('#camera');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await allow(0);
    await eventually(states).toEqual(['ended']);
    await allow(1);
    await said('1 face (1: happy).');
    expect(await states()).toEqual(['ended', 'live']);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('camera');
    await page.keyboard.press('Enter');
    expect(await page.locator('#camera').textContent()).toBe('Use the camera');
    expect(await states()).toEqual(['ended', 'ended']);
  });

  test('lets go of a camera that cannot be played', async () => {
    await open(1280);
    await page.evaluate(() => {
      HTMLMediaElement.prototype.play = function () {
        Object.assign(globalThis, { stream: this.srcObject });
        return Promise.reject(new Error('no picture comes'));
      };
    });
    await page.click('#camera');
    await page.locator('[role=alert]', { hasText: 'The camera cannot be used: no picture comes' }).waitFor();
    expect(
      await page.evaluate(() =>
        (globalThis as unknown as { stream: MediaStream }).stream
          .getTracks()
          .map((track) => track.readyState),
      ),
    ).toEqual(['ended']);
    expect(await page.locator('#camera').textContent()).toBe('Use the camera');
  });

  test('says where browsers have no camera for a page', async () => {
    await page.goto(`${server.url.replace('127.0.0.1', 'elsewhere.test')}/`);
    await page.click('#camera');
    await page.locator('[role=alert]', { hasText: 'https:// and localhost alone' }).waitFor();
    complaints = []; // Chromium's own, about headers that plain HTTP does not have
  });

  test('asks for a key where the server wants one, and goes to its field once', async () => {
    await open(1280);
    await answerBy((count) => refusal(401, `A key is needed, ${count}.`));
    await choose('astronaut.png', photo);
    await page.locator('[role=alert]', { hasText: 'A key is needed, 0.' }).waitFor();
    const focused = () => page.evaluate(() => (document.activeElement as HTMLInputElement).type);
    expect(await focused()).toBe('password');
    await page.check('#saliency');
    await page.locator('[role=alert]', { hasText: 'A key is needed, 1.' }).waitFor();
    expect(await focused()).toBe('checkbox');
    await page.fill('#key input', 'clé—秘密');
    await page.uncheck('#saliency');
    await alerted('The API key has characters that cannot be sent.');
    await eventually(() => complaints.length).toBe(2);
    expect(complaints.splice(0)).toEqual(Array(2).fill(expect.stringContaining('401')));
  });

  test('shows the picture that was chosen last, whatever becomes of those before', async () => {
    await open(1280);
    let refuse = () => {};
    const refused = new Promise<void>((resolve) => {
      refuse = resolve;
    });
    await answerBy((count) => (count === 0 ? refused.then(() => refusal(500, 'Broken.')) : seen('sad')));
    await choose('astronaut.png', photo);
    await eventually(() => sent.length).toBe(1);
    await choose('again.png', photo);
    await said('1 face (1: sad).');
    refuse();
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
    expect(await page.locator('#result').isVisible()).toBe(true);
    expect(await page.locator('[role=alert]').textContent()).toBe('');
  });

  test('shows what was asked last of one picture, whatever becomes of what was asked before', async () => {
    await open(1280);
    let answer = () => {};
    const late = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await answerBy((count) => (count === 1 ? late.then(() => seen('sad')) : seen('happy')));
    await choose('astronaut.png', photo);
    await said('(1: happy).');
    await page.check('#saliency');
    await eventually(() => sent.length).toBe(2);
    await page.uncheck('#saliency');
    await said('(1: happy).');
    answer();
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
    expect(await page.locator('#faces h2').textContent()).toBe('Face 1: happy');
    expect(await page.locator('#status').textContent()).toBe('1 face (1: happy).');
  });

  test('draws no picture whose maps come after another was chosen', async () => {
    await open(1280);
    await page.evaluate(() => {
      const real = HTMLImageElement.prototype.decode;
      HTMLImageElement.prototype.decode = async function () {
        await new Promise((resolve) => Object.assign(globalThis, { decode: resolve }));
        return real.call(this);
      };
    });
    const saliency = {
      label: 'sad',
      image: `data:image/png;base64,${Buffer.from(encodePng(pattern(4, 4))).toString('base64')}`,
      crop: { x: 0.3, y: 0.1, width: 0.2, height: 0.2 },
    };
    await answerBy((count) => (count === 0 ? seen('sad', { saliency }) : seen('happy')));
    await choose('astronaut.png', photo);
    await page.waitForFunction(() => 'decode' in globalThis);
    await choose('small.png', Buffer.from(encodePng(pattern(40, 30))));
    await said('(1: happy).');
    await page.evaluate(async () => {
      (globalThis as unknown as { decode(): void }).decode();
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    expect(await canvasSize()).toEqual([40, 30]);
    expect(await page.locator('#faces h2').textContent()).toBe('Face 1: happy');
  });

  test.each([3, 6] as Orientation[])('shows a WebP upright, of EXIF orientation %i', async (orientation) => {
    await open(1280);
    await answerBy(() => seen('happy'));
    const upright = astronaut();
    const stored = storedAs(upright, orientation);
    const webp = webpWithExif(await encodeWebp(stored), stored, exifBlock(orientation));
    await choose('astronaut.webp', Buffer.from(webp));
    await said('(1: happy).');
    for (const [x, y] of [
      [20, 30],
      [450, 90],
      [230, 400],
    ] as const) {
      const at = (y * upright.width + x) * 4;
      expect(await pixel(x, y)).toEqual([...upright.data.subarray(at, at + 3)]);
    }
  });

  test('draws a line of a picture, and numbers within it', async () => {
    await open(1280);
    await answerBy(() => seen('happy', { box: { x: -0.1, y: -0.2, width: 0.4, height: 0.4 } }));
    await choose('line.png', Buffer.from(encodePng(pattern(12_000, 2))));
    await said('(1: happy).');
    expect(await canvasSize()).toEqual([1280, 1]);
    await choose('astronaut.png', photo);
    await eventually(canvasSize).toEqual([512, 512]);
    expect(await pixel(2, 20)).toEqual([0, 0, 0]);
    expect(await pixel(2, 28)).not.toEqual([0, 0, 0]); // the control: below the number
  });

  test('may be given the same file again', async () => {
    await open(1280);
    await answerBy(() => seen('happy'));
    await choose('astronaut.png', photo);
    await said('(1: happy).');
    const value = () => page.locator('#file').inputValue();
    expect(await value()).toContain('astronaut.png');
    // Browsers tell of a file that differs from the one before alone.
    await Promise.all([page.waitForEvent('filechooser'), page.click('label[for=file]')]);
    expect(await value()).toBe('');
  });

  test('says that what is dropped is no file', async () => {
    await open(1280);
    await page.evaluate(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.setData('text/uri-list', 'https://example.org/a.jpg');
      document.dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }));
    });
    await alerted('That is no file');
    expect(sent).toEqual([]);
  });

  /** Notes what is said in the page's alert; what it gives reads the notes. */
  async function listen(): Promise<() => Promise<string[]>> {
    await page.evaluate(() => {
      const texts: string[] = [];
      Object.assign(globalThis, { texts });
      const alert = document.querySelector('#error') as Element;
      new MutationObserver(() => texts.push(alert.textContent as string)).observe(alert, { childList: true });
    });
    return () => page.evaluate(() => (globalThis as unknown as { texts: string[] }).texts);
  }

  test.each([
    ['of a camera', 'The camera cannot be used', () => page.click('#camera')],
    [
      'of a drop',
      'That is no file',
      () =>
        page.evaluate(() => {
          document.dispatchEvent(
            new DragEvent('drop', { dataTransfer: new DataTransfer(), cancelable: true }),
          );
        }),
    ],
  ])('has the same error %s read out again', async (_, text, fail) => {
    await open(1280);
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('denied'));
    });
    const texts = await listen();
    await fail();
    await eventually(texts).toEqual([expect.stringContaining(text)]);
    await fail();
    const again = expect.stringContaining(text);
    await eventually(texts).toEqual([again, '', again]);
  });

  test('asks the server about the bytes of a file, whatever it is called', async () => {
    await open(1280);
    await page.setInputFiles('#file', { name: 'face.json', mimeType: 'application/json', buffer: photo });
    await said('1 face (1: happy).');
    await page.setInputFiles('#file', {
      name: 'a.json',
      mimeType: 'application/json',
      buffer: Buffer.from('{"a":1}'),
    });
    await alerted('neither a JPEG');
    expect(complaints.splice(0)).toEqual([expect.stringContaining('415')]);
  });

  test('keeps a picture whose file changes, and says of one that cannot be read that it cannot', async () => {
    await open(1280);
    const path = join(folder, 'changing.png');
    writeFileSync(path, photo);
    await page.setInputFiles('#file', path);
    await said('1 face (1: happy).');
    rmSync(path);
    await page.check('#saliency');
    await eventually(() => sent.length).toBe(2);
    expect(await page.locator('[role=alert]').textContent()).toBe('');
    await page.evaluate(() => {
      File.prototype.arrayBuffer = () => Promise.reject(new DOMException('changed', 'NotReadableError'));
    });
    await choose('other.png', photo);
    await alerted('That cannot be read');
    expect(sent).toHaveLength(2);
  });

  test('says of the camera’s last picture what is shown, once it is stopped', async () => {
    await open(1280);
    await answerBy((count) => seen(count < 3 ? 'happy' : 'sad'));
    await page.evaluate(() => {
      const stop = () => document.querySelector<HTMLElement>('#camera')?.click();
      new MutationObserver(() => {
        if (document.querySelector('#faces h2')?.textContent === 'Face 1: sad') queueMicrotask(stop);
      }).observe(document.querySelector('#faces') as Element, { childList: true });
    });
    await page.click('#camera');
    await said('1 face (1: sad).');
    expect(await page.locator('#camera').textContent()).toBe('Use the camera');
  });

  test('in the browser leaves out pictures that are given up before their turn', async () => {
    await open(1280);
    await page.route('**/browser/worker.js', (route) =>
      route.fulfill({
        contentType: 'text/javascript',
        body: `let asked = 0;
          onmessage = () => setTimeout(() => postMessage({ error: { message: 'question ' + ++asked } }), 500);`,
      }),
    );
    await page.check('[value=browser]');
    await page.evaluate(async () => {
      for (const name of ['one.png', 'two.png', 'three.png', 'four.png']) {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(['a picture'], name));
        document.dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }));
        await new Promise((resolve) => setTimeout(resolve, 20)); // until it is asked about
      }
    });
    await alerted('question 2');
  });

  test('numbers faces as large on a phone, and above them where there is room', async () => {
    await open(360);
    const box = { x: 0.5, y: 0.5, width: 0.02, height: 0.02 };
    await answerBy(() => seen('happy', { box }));
    await choose('group.png', Buffer.from(encodePng({ ...pattern(1600, 1200) })));
    await said('(1: happy).');
    const [width, height] = (await canvasSize()) as [number, number];
    const across = await page.locator('canvas').evaluate((canvas) => canvas.clientWidth);
    const scale = width / across;
    expect(scale).toBeGreaterThan(3);
    // The number's ground, black, is 24 pixels of the page high and stands on the box.
    const [left, top] = [Math.round(0.5 * width), Math.round(0.5 * height)];
    expect(await pixel(left + 3, top - Math.round(22 * scale))).toEqual([0, 0, 0]);
    expect(await pixel(left + 3, top - Math.round(26 * scale))).not.toEqual([0, 0, 0]);
    expect(await pixel(left + Math.round(0.01 * width), top + Math.round(0.01 * height))).not.toEqual([
      0, 0, 0,
    ]);
    await picture('phone-number-360');
  });

  test('has the same error read out again', async () => {
    await open(1280);
    await answerBy(() => refusal(400, 'Broken.'));
    const texts = await listen();
    await choose('notes.png', photo);
    await eventually(texts).toEqual(['Broken.']);
    await choose('notes.png', photo);
    await eventually(texts).toEqual(['Broken.', '', 'Broken.']);
    expect(complaints.splice(0)).toEqual(Array(2).fill(expect.stringContaining('400')));
  });

  test('says that the camera is gone, and sends nothing more', async () => {
    await open(1280);
    let answer = () => {};
    const late = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await answerBy((count) => (count === 0 ? seen('happy') : late.then(() => seen('sad'))));
    await page.click('#camera');
    await eventually(() => sent.length).toBe(2);
    await page.evaluate(() => {
      const { srcObject } = document.querySelector('video') as HTMLVideoElement;
      (srcObject as MediaStream).getTracks()[0]?.dispatchEvent(new Event('ended')); // as browsers do
    });
    await alerted('The camera is gone.');
    answer();
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
    expect(await page.locator('[role=alert]').textContent()).toBe('The camera is gone.');
    expect(await page.locator('#camera').textContent()).toBe('Use the camera');
    expect(sent.length).toBe(2);
  });

  test('says that a browser cannot show a picture', async () => {
    await page.evaluate(() => {
      globalThis.createImageBitmap = () => Promise.reject(new Error('unknown format'));
    });
    await choose('astronaut.png', photo);
    await page.locator('[role=alert]', { hasText: 'This browser cannot show that picture.' }).waitFor();
    expect(await page.locator('#status').textContent()).toBe('');
    expect(await page.locator('#result').isVisible()).toBe(false);
  });

  test('says what the worker says of a picture', async () => {
    await open(1280);
    const refusal = { code: 'invalid_image', message: 'The png is truncated or corrupt.' };
    await page.route('**/browser/worker.js', (route) =>
      route.fulfill({
        contentType: 'text/javascript',
        body: `onmessage = () => postMessage(${JSON.stringify({ error: refusal })})`,
      }),
    );
    await page.check('[value=browser]');
    await choose('astronaut.png', photo);
    await alerted(refusal.message);
  });

  test('lets go of a worker that fails', async () => {
    await open(1280);
    await page.route('**/browser/worker.js', (route) =>
      route.fulfill({ contentType: 'text/javascript', body: 'throw new Error("no model")' }),
    );
    await page.evaluate(() => {
      const real = Worker.prototype.terminate;
      Worker.prototype.terminate = function () {
        Object.assign(globalThis, { terminated: true });
        real.call(this);
      };
    });
    await page.check('[value=browser]');
    await choose('astronaut.png', photo);
    await alerted('The model cannot be loaded into this browser from here.');
    expect(await page.evaluate(() => 'terminated' in globalThis)).toBe(true);
    complaints = []; // the worker's own
  });

  test('says that it needs JavaScript', async () => {
    const without = await browser.newPage({ javaScriptEnabled: false });
    await without.goto(`${server.url}/`);
    await without.locator('noscript p', { hasText: 'needs JavaScript' }).waitFor();
    await without.close();
  });

  test('shows the API at /docs, on a phone too', async () => {
    await open(390);
    await page.goto(`${server.url}/docs`);
    await page.click('text=POST /v1/expressions');
    expect(new URL(page.url()).hash).toBe('#recognize');
    expect(await page.locator('#recognize dt').allTextContents()).toEqual(
      expect.arrayContaining(['200', '413']),
    );
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    expect(await seriousFindings()).toEqual([]);
    await picture('docs-390');
  });

  test.each([
    'light',
    'dark',
  ] as const)('fits a phone and has no serious accessibility finding, %s', async (scheme) => {
    await open(390, scheme);
    expect(await seriousFindings()).toEqual([]);
    await choose('astronaut.png', photo);
    await said('1 face (1: happy).');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    expect(await seriousFindings()).toEqual([]);
    await picture(`server-390-${scheme}`);
    // The control: a picture without words is found.
    await page.evaluate(() => document.body.append(document.createElement('img')));
    expect(await seriousFindings()).toEqual([expect.stringContaining('image-alt')]);
  });
});
