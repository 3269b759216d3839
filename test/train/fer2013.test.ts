import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readFer2013, readFerPlus } from '../../scripts/train/data/fer2013.js';
import { findCopies, readDataSet, rowsOf, writeDataSet } from '../../scripts/train/data/pack.js';
import { CROP_BYTES } from '../../src/model/architecture.js';
import { MienError } from '../../src/model/errors.js';
import { randomNumbers } from '../support/random.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-data-'));
afterAll(() => rmSync(folder, { recursive: true }));

const random = randomNumbers(3);
const face = () => Array.from({ length: CROP_BYTES }, () => Math.floor((random() + 1) * 128));
const [first, second, third] = [face(), face(), face()];
const ROWS = [
  `0,${first.join(' ')},Training`,
  `6,${second.join(' ')},Training`,
  `3,${third.join(' ')},PublicTest`,
  `0,${first.join(' ')},PrivateTest`,
];

function csv(name: string, rows: string[], header = 'emotion,pixels,Usage'): string {
  const file = join(folder, name);
  const text = [header, ...rows, ''].join('\n');
  writeFileSync(file, name.endsWith('.gz') ? gzipSync(text) : text);
  return file;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function faultOf(items: AsyncIterable<unknown>): Promise<string> {
  const error = await collect(items).catch((e: unknown) => e);
  expect(MienError.is(error) && error.code).toBe('invalid_data');
  return (error as Error).message;
}

describe('readFer2013', () => {
  it.each(['plain.csv', 'packed.csv.gz'])('streams %s', async (name) => {
    const samples = await collect(readFer2013(csv(name, ROWS)));
    expect(samples.map(({ label, split }) => [label, split])).toEqual([
      [0, 'Training'],
      [6, 'Training'],
      [3, 'PublicTest'],
      [0, 'PrivateTest'],
    ]);
    expect([...(samples[2]?.pixels ?? [])]).toEqual(third);
  });

  it.each<[string, string, RegExp]>([
    ['a label of 9', `9,${first.join(' ')},Training`, /row 2: emotion is "9"/],
    ['no label', `,${first.join(' ')},Training`, /row 2: emotion is ""/],
    ['another split', `0,${first.join(' ')},Test`, /row 2: Usage is "Test"/],
    ['a missing pixel', `0,${first.slice(1).join(' ')},Training`, /row 2: pixels/],
    ['a pixel of 256', `0,256 ${first.slice(1).join(' ')},Training`, /row 2: pixels/],
    ['a pixel that is no number', `0,x ${first.slice(1).join(' ')},Training`, /row 2: pixels/],
    ['a row cut short', `0,${first.join(' ')}`, /row 2: Invalid Record Length/],
    ['a quote that is not closed', `0,"${first.join(' ')},Training`, /row 2: Quote Not Closed/],
  ])('names file and row of %s', async (_, row, message) => {
    const file = csv('damaged.csv', [ROWS[0] as string, row]);
    const fault = await faultOf(readFer2013(file));
    expect(fault).toMatch(message);
    expect(fault).toContain(file);
  });

  it('names the columns that a file of another format lacks', async () => {
    const file = csv('other.csv', [`0,${first.join(' ')}`], 'label,pixels');
    expect(await faultOf(readFer2013(file))).toBe(
      `${file}: no column emotion, Usage; it needs emotion, pixels, Usage`,
    );
  });

  it('refuses an absent file, an empty one, a damaged archive', async () => {
    expect(await faultOf(readFer2013(join(folder, 'absent.csv')))).toMatch(/ENOENT/);
    expect(await faultOf(readFer2013(csv('empty.csv', [])))).toMatch(/no rows/);
    const damaged = join(folder, 'damaged.csv.gz');
    writeFileSync(damaged, gzipSync(ROWS.join('\n')).subarray(0, 900));
    expect(await faultOf(readFer2013(damaged))).toMatch(/unexpected end of file/);
  });
});

describe('readFerPlus', () => {
  const header = 'Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF';

  it('reads ten counts a face', async () => {
    const file = csv('votes.csv', ['Training,fer0.png,4,0,0,1,3,2,0,0,0,0'], header);
    expect(await collect(readFerPlus(file))).toEqual([
      { votes: Uint8Array.of(4, 0, 0, 1, 3, 2, 0, 0, 0, 0), split: 'Training' },
    ]);
  });

  it('names the row of a bad count', async () => {
    const file = csv('votes.csv', ['Training,fer0.png,4,0,0,1,3,2,0,0,0,11'], header);
    expect(await faultOf(readFerPlus(file))).toMatch(/row 1: votes/);
  });
});

describe('a packed data set', () => {
  const images = Uint8Array.from([first, second, third, first].flat());
  const splits = Uint8Array.of(0, 0, 1, 2);
  const set = {
    images,
    splits,
    labels: Uint8Array.of(0, 6, 3, 0),
    votes: new Uint8Array(40).fill(1),
    copies: findCopies(images, splits),
  };

  it('marks test images that copy a training image', () => {
    expect([...set.copies]).toEqual([0, 0, 0, 1]);
  });

  it('is read as it was written', () => {
    const out = join(folder, 'set');
    writeDataSet(out, 'tiny', set);
    const { index, ...read } = readDataSet(out);
    for (const key of ['images', 'labels', 'splits', 'votes', 'copies'] as const)
      expect(Buffer.compare(Buffer.from(read[key]), Buffer.from(set[key]))).toBe(0);
    expect(index.splits).toEqual({ Training: 2, PublicTest: 1, PrivateTest: 1 });
    expect(rowsOf(read, 'PublicTest', 'PrivateTest')).toEqual([2, 3]);
  });

  it('replaces an older one and leaves nothing half-written', () => {
    const out = join(folder, 'replaced');
    writeDataSet(out, 'tiny', set);
    writeDataSet(out, 'tiny', set);
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]);
    expect(readdirSync(out).length).toBe(6);
  });

  it('replaces an older one whose name ends in a slash', () => {
    const out = join(folder, 'slashed');
    writeDataSet(`${out}/`, 'tiny', set);
    writeDataSet(`${out}/`, 'tiny', set);
    expect(readDataSet(out).index.count).toBe(4);
    expect(readdirSync(out).length).toBe(6);
  });

  it('leaves a folder alone that is no data set', () => {
    const out = join(folder, 'foreign');
    mkdirSync(out);
    writeFileSync(join(out, 'thesis.txt'), 'mine');
    expect(() => writeDataSet(out, 'tiny', set)).toThrow(/foreign is not empty and has no index.json/);
    expect(readdirSync(out)).toEqual(['thesis.txt']);
  });

  it.each([
    '{"files": {"index.html": "…"}}',
    '{"name": "site"}',
    'null',
    '{',
  ])('leaves a folder alone whose index.json is another program’s: %s', (index) => {
    const out = mkdtempSync(join(folder, 'site-'));
    writeFileSync(join(out, 'thesis.txt'), 'mine');
    writeFileSync(join(out, 'index.json'), index);
    expect(() => writeDataSet(out, 'tiny', set)).toThrow(
      /index.json is no data set's, so .* is not replaced/,
    );
    expect(readdirSync(out)).toEqual(['index.json', 'thesis.txt']);
  });

  it('is refused when a file is not the one that was packed', () => {
    const out = join(folder, 'tampered');
    writeDataSet(out, 'tiny', set);
    const labels = readFileSync(join(out, 'labels.u8'));
    labels[0] = 5;
    writeFileSync(join(out, 'labels.u8'), labels);
    expect(() => readDataSet(out)).toThrow(/labels.u8 is not the file that was packed/);
  });
});

describe('prepare-data fer2013', () => {
  const prepare = (...options: string[]) =>
    spawnSync(
      process.execPath,
      ['--import', 'tsx', join('scripts', 'train', 'prepare.ts'), 'fer2013', ...options],
      { encoding: 'utf8' },
    );
  const header = 'Usage,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF';

  it('ends with 1 on a label of 9, naming file and row, and leaves what was packed before', () => {
    const out = join(folder, 'kept');
    expect(prepare('--csv', csv('sound.csv', ROWS), '--out', out).status).toBe(0);
    const before = readFileSync(join(out, 'index.json'), 'utf8');
    const damaged = csv('nine.csv', [...ROWS, `9,${first.join(' ')},Training`]);
    const { status, stderr } = prepare('--csv', damaged, '--out', out);
    // On a busy machine the start alone takes long enough for progress to be shown.
    const said = stderr.replace(/^reading.*\n/gm, '');
    expect([status, said]).toEqual([1, `error: ${damaged}, row 5: emotion is "9", not 0 to 6\n`]);
    expect(readFileSync(join(out, 'index.json'), 'utf8')).toBe(before);
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]);
  });

  it('refuses a folder of something else before it reads anything', () => {
    const out = join(folder, 'foreign');
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, 'thesis.txt'), 'mine');
    const { status, stderr } = prepare('--csv', join(folder, 'absent.csv'), '--out', out);
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining('has no index.json, so it is not replaced'),
    ]);
  });

  it('ends with 1 on votes in another order than the pictures, with nothing written', () => {
    const out = join(folder, 'disordered');
    const rows = ROWS.map((row) => `${row.split(',').at(-1)},4,0,0,1,3,2,0,0,0,0`).reverse();
    const votes = csv('disordered.csv', rows, header);
    const { status, stderr } = prepare('--csv', csv('sound.csv', ROWS), '--ferplus', votes, '--out', out);
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(
        /disordered.csv: row 1 is of PrivateTest, the picture of Training: they must be aligned/,
      ),
    ]);
    expect(existsSync(out)).toBe(false);
  });

  it('ends with 1 on votes that are not one row a picture, with nothing written', () => {
    const out = join(folder, 'unvoted');
    const votes = csv('few.csv', ['Training,4,0,0,1,3,2,0,0,0,0'], header);
    const { status, stderr } = prepare('--csv', csv('sound.csv', ROWS), '--ferplus', votes, '--out', out);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/few.csv has 1 rows, the pictures 4/)]);
    expect(existsSync(out)).toBe(false);
  });
});
