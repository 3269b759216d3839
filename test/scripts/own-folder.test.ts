import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { refuseForeign } from '../../scripts/lib/own-folder.js';

const work = mkdtempSync(join(tmpdir(), 'own-folder-'));
afterAll(() => rmSync(work, { recursive: true }));

/** A folder of these files. */
function folder(name: string, ...files: string[]): string {
  const path = join(work, name);
  mkdirSync(path);
  for (const file of files) writeFileSync(join(path, file), '');
  return path;
}

test.each([
  ['is not there', join(work, 'absent')],
  ['is empty', folder('empty')],
  ['has the mark', folder('own', 'mark.json', 'more.txt')],
])('lets a folder pass that %s', (_, path) => {
  expect(() => refuseForeign(path, 'mark.json')).not.toThrow();
});

test('refuses a folder of something else, by its name', () => {
  const path = folder('site', 'index.html');
  expect(() => refuseForeign(path, 'mark.json')).toThrow(
    expect.objectContaining({
      code: 'invalid_data',
      message: `${path} is not empty and has no mark.json, so it is not replaced: give another one.`,
    }),
  );
});

test('refuses a file where the folder should be', () => {
  writeFileSync(join(work, 'file'), '');
  expect(() => refuseForeign(join(work, 'file'), 'mark.json')).toThrow(
    expect.objectContaining({ code: 'invalid_data', message: `${join(work, 'file')} is not a folder.` }),
  );
});
