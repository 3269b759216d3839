/** What the bundles do to the folder that `--out` names. That they run is tested where they run. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { bundleBrowser } from '../../scripts/lib/browser-bundle.js';
import { bundleLambda } from '../../scripts/lib/lambda-bundle.js';
import { bundleWorker } from '../../scripts/lib/worker-bundle.js';

const work = mkdtempSync(join(tmpdir(), 'mien-bundles-'));
afterAll(() => rmSync(work, { recursive: true }));

/** A folder of these files. */
function folder(name: string, files: string[]): string {
  const path = join(work, name);
  mkdirSync(path);
  for (const file of files) writeFileSync(join(path, file), '');
  return path;
}

/** With files that others have too. */
const BUNDLES = [
  ['lambda', bundleLambda, ['index.mjs', 'package.json', 'weights.safetensors']],
  ['worker', bundleWorker, ['README.md', 'worker.js', 'wrangler.json']],
  ['browser', bundleBrowser, ['index.html', 'worker.js']],
] as const;

describe.each(BUNDLES)('the bundle for %s', (name, bundle, others) => {
  test('leaves a folder of something else alone', async () => {
    const out = folder(`${name}-foreign`, [...others]);
    await expect(bundle({ out })).rejects.toMatchObject({
      code: 'invalid_data',
      message: expect.stringContaining(`${out} is not empty and has no `),
    });
    expect(readdirSync(out).sort()).toEqual([...others]);
  });

  test('takes the place of an earlier one, unless there is no such model', { timeout: 60_000 }, async () => {
    const out = join(work, name);
    await bundle({ out });
    const made = readdirSync(out).sort();
    writeFileSync(join(out, 'left.txt'), '');
    const model = join(work, 'nowhere');
    await expect(bundle({ out, model })).rejects.toMatchObject({
      code: 'invalid_data',
      message: `There is no model at ${model}.`,
    });
    expect(readdirSync(out).sort()).toEqual([...made, 'left.txt'].sort());
    await bundle({ out });
    expect(readdirSync(out).sort()).toEqual(made);
    expect(readdirSync(work).filter((one) => one.endsWith('.part'))).toEqual([]);
  });
});
