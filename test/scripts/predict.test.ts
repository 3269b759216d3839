import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/assets/node.js';
import { LABELS } from '../../src/model/labels.js';
import { astronaut, encodePng } from '../support/pictures.js';
import { beside, mirrored } from '../support/scenes.js';
import { untrainedFolder } from '../support/untrained.js';

const model = untrainedFolder();
const folder = mkdtempSync(join(tmpdir(), 'predict-'));
const text = join(folder, 'notes.txt');
writeFileSync(text, 'not an image');
const two = join(folder, 'two.png');
writeFileSync(two, encodePng(beside(astronaut(), mirrored(astronaut()))));
afterAll(() => {
  model.remove();
  rmSync(folder, { recursive: true });
});

const PHOTO = 'test/fixtures/astronaut.png';
const MISSING = join(folder, 'missing.png');
const predict = (...args: string[]) =>
  spawnSync(
    process.execPath,
    ['--import', 'tsx', 'scripts/mien.ts', 'predict', ...args, '--model', model.folder],
    { cwd: packageRoot(), encoding: 'utf8' },
  );

test('prints each face with its place and seven bars', () => {
  const { status, stdout, stderr } = predict(PHOTO);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const [title, face, ...bars] = stdout.trimEnd().split('\n');
  expect(title).toMatch(/^test\/fixtures\/astronaut\.png: 512 x 512 px, 1 face, \d+ ms$/);
  expect(face).toMatch(/^ {2}face 1: [a-z]+ {2}\(x 1\d\d, y \d+, \d+ x \d+ px; sure 0\.\d\d, roll \d°\)$/);
  expect(bars).toHaveLength(7);
  for (const bar of bars) expect(bar).toMatch(/^ {4}[a-z]+ +\d+\.\d %( +█+)?$/);
  expect(face).toContain(`face 1: ${bars[0]?.trim().split(' ')[0]} `); // the best comes first
});

test('reports a bad file in its place, goes on, and exits with 1', () => {
  const { status, stdout, stderr } = predict('--json', text, PHOTO, MISSING);
  expect(stderr).toBe('');
  expect(status).toBe(1);
  const results = JSON.parse(stdout);
  expect(Object.keys(results)).toEqual([text, PHOTO, MISSING]);
  expect(results[text].error.code).toBe('unsupported_media_type');
  expect(results[MISSING].error.code).toBe('ENOENT');
  expect(Object.keys(results[PHOTO])).toEqual(['image', 'faces', 'model', 'backend', 'timing']);
  expect(results[PHOTO].model.name).toBe(basename(model.folder));
  expect(results[PHOTO].faces[0].expressions).toHaveLength(LABELS.length);
});

test('takes a cropped face, from the standard input', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'scripts/mien.ts', 'predict', '-', '--face', 'whole', '--model', model.folder],
    { cwd: packageRoot(), encoding: 'utf8', input: readFileSync(PHOTO) },
  );
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^-: 512 x 512 px, 1 face, \d+ ms\n/);
  expect(stdout).toContain('(x 0, y 0, 512 x 512 px; sure 1.00, roll 0°)');
});

test('keeps as many faces, and as large ones, as it is told', () => {
  const faces = (...args: string[]) => JSON.parse(predict('--json', two, ...args).stdout)[two].faces;
  const all = faces();
  expect(all).toHaveLength(2);
  expect(faces('--max-faces', '1')).toEqual(all.slice(0, 1));
  expect(faces('--min-face-size', '400')).toEqual([]);
  expect(predict(two, '--max-faces', '0').stderr).toContain('It is no positive whole number.');
});

test('says how it is used', () => {
  const { status, stderr } = predict();
  expect(status).toBe(1);
  expect(stderr).toBe("error: missing required argument 'files'\n(--help lists the options)\n");
});

test('draws saliency over the face and nowhere else', () => {
  const out = join(folder, 'saliency.png');
  const { status, stderr } = predict(PHOTO, '--saliency', out);
  expect([status, stderr]).toEqual([0, '']);
  const [before, after] = [PHOTO, out].map((file) => PNG.sync.read(readFileSync(file))) as unknown as [
    PNG,
    PNG,
  ];
  expect([after.width, after.height]).toEqual([512, 512]);
  const changed = Array.from({ length: 512 * 512 }, (_, at) => at).filter((at) =>
    [0, 1, 2].some((channel) => before.data[at * 4 + channel] !== after.data[at * 4 + channel]),
  );
  // The face is about 120 pixels wide, its middle at (225, 127).
  expect(changed.length).toBeGreaterThan(5000);
  const far = changed.filter((at) => Math.hypot((at % 512) - 225, Math.floor(at / 512) - 127) > 150);
  expect(far).toEqual([]);
});

test('refuses to draw several photos into one', () => {
  const { status, stderr } = predict(PHOTO, PHOTO, '--saliency', join(folder, 'two.png'));
  expect(status).toBe(1);
  expect(stderr).toContain('--saliency takes one photo');
});

test.each(['./own.png', 'link.png'])('does not draw over the photo itself: %s', (target) => {
  const own = join(folder, 'own.png');
  copyFileSync(PHOTO, own);
  if (!existsSync(join(folder, 'link.png'))) symlinkSync('own.png', join(folder, 'link.png'));
  const { status, stderr } = predict(own, '--saliency', `${folder}/${target}`);
  expect([status, stderr]).toEqual([1, expect.stringContaining('would overwrite the photo')]);
  expect(readFileSync(own).equals(readFileSync(PHOTO))).toBe(true);
});

test('ends quietly where its reader has read enough', () => {
  const command = `${process.execPath} --import tsx scripts/mien.ts predict ${PHOTO} ${PHOTO} ${PHOTO} --model ${model.folder} | head -1`;
  const { stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: packageRoot(), encoding: 'utf8' });
  expect(stdout).toMatch(/^test\/fixtures\/astronaut\.png: 512 x 512 px/);
  expect(stderr).toBe('');
});
