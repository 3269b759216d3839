import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, launchChromium } from '../support/chromium.js';
import { astronaut, astronautBytes } from '../support/pictures.js';
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
    );
  });

  beforeAll(() => open(1280));
  afterEach(() => expect(complaints).toEqual([]));
  afterAll(async () => {
    await browser?.close();
    if (server) await stopServer(server);
    rmSync(folder, { recursive: true });
  });

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
    await expect.poll(redness).toBeGreaterThan(before + 40);
    expect(await page.locator('[role=alert]').textContent()).toBe('');
    await picture('saliency-1280');
    await page.uncheck('#saliency');
    await expect.poll(redness).toBeLessThan(before + 1);
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
