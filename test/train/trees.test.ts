/** Data sets that are trees of files, with the official names, generated. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { readDataSet, rowsOf } from '../../scripts/train/data/pack.js';
import { splitAtRandom } from '../../scripts/train/data/split.js';
import { readCkPlus, readCkPlus48, readClassFolders, readJaffe } from '../../scripts/train/data/trees.js';
import { LABELS } from '../../src/model/labels.js';
import { astronaut, encodeJpeg, encodePng, pattern } from '../support/pictures.js';
import { shrunk } from '../support/scenes.js';
import { encodeTiff } from '../support/tiff.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-trees-'));
afterAll(() => rmSync(folder, { recursive: true }));

function put(root: string, file: string, content: Uint8Array | string = ''): string {
  const path = join(folder, root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const prepare = (kind: string, root: string, out: string, ...more: string[]) =>
  spawnSync(
    process.execPath,
    [
      '--import',
      'tsx',
      'scripts/train/prepare.ts',
      kind,
      '--root',
      join(folder, root),
      '--out',
      out,
      ...more,
    ],
    { encoding: 'utf8' },
  );

describe('CK+', () => {
  const frames = (subject: string, sequence: string, count: number) =>
    Array.from({ length: count }, (_, at) =>
      put('ck', `cohn-kanade-images/${subject}/${sequence}/${subject}_${sequence}_0000000${at + 1}.png`),
    );
  const emotion = (subject: string, sequence: string, text: string) =>
    put('ck', `Emotion/${subject}/${sequence}/${subject}_${sequence}_00000005_emotion.txt`, text);

  it('gives the last three frames and a neutral first one; no contempt, nothing unlabelled', () => {
    const happy = frames('S005', '001', 5);
    emotion('S005', '001', '   5.0000000e+00\n');
    frames('S005', '002', 5);
    emotion('S005', '002', '2.0000000e+00');
    frames('S010', '001', 5);
    mkdirSync(join(folder, 'ck/Emotion/S010/001'), { recursive: true });
    const pictures = readCkPlus(join(folder, 'ck'));
    expect(pictures).toEqual([
      { file: happy[0], label: 'neutral', subject: 'S005' },
      ...happy.slice(2).map((file) => ({ file, label: 'happy', subject: 'S005' })),
    ]);
  });

  it.each(['9.0000000e+00', '', '0', 'happy'])('names the file of the label "%s"', (text) => {
    frames('S011', '001', 4);
    const file = emotion('S011', '001', text);
    expect(() => readCkPlus(join(folder, 'ck'))).toThrow(file);
    rmSync(join(folder, 'ck', 'Emotion', 'S011'), { recursive: true });
  });

  it('needs its labels', () => {
    put('unlabelled', 'cohn-kanade-images/S005/001/S005_001_00000001.png');
    const root = join(folder, 'unlabelled');
    expect(() => readCkPlus(root)).toThrow(`${join(root, 'Emotion')}: is absent`);
    mkdirSync(join(root, 'Emotion'));
    expect(() => readCkPlus(root)).toThrow(/has no \*_emotion.txt that labels a sequence/);
  });

  it('needs more frames than show the expression', () => {
    put('short', 'cohn-kanade-images/S005/001/S005_001_00000001.png');
    put('short', 'Emotion/S005/001/S005_001_00000001_emotion.txt', '5');
    expect(() => readCkPlus(join(folder, 'short'))).toThrow(/001: has only 1 frames/);
  });

  it('is refused as 48×48 crops where a picture has another size', () => {
    const odd = put('ck48-odd', 'anger/S010_004_00000017.png', encodePng(pattern(48, 47)));
    const out = join(folder, 'ck48-packed');
    const { status, stderr } = prepare('ckplus48', 'ck48-odd', out);
    expect(status).toBe(1);
    expect(stderr).toContain(`leaves out: 1\n  ${odd}: it has 48×47 pixels, not 48×48\n`);
    expect(existsSync(out)).toBe(false);
  });

  it('as 48×48 crops has subjects but no contempt', () => {
    const file = put('ck48', 'anger/S010_004_00000017.png');
    put('ck48', 'contempt/S138_008_00000007.png');
    expect(readCkPlus48(join(folder, 'ck48'))).toEqual([{ file, label: 'angry', subject: 'S010' }]);
    const odd = put('ck48', 'fear/face.png');
    expect(() => readCkPlus48(join(folder, 'ck48'))).toThrow(odd);
  });
});

describe('JAFFE', () => {
  it('has subjects and expressions in its names', () => {
    const files = ['KA.AN1.39.tiff', 'KA.NE2.27.tiff', 'YM.SU3.60.tiff'].map((name) => put('jaffe', name));
    put('jaffe', 'README');
    expect(readJaffe(join(folder, 'jaffe'))).toEqual([
      { file: files[0], label: 'angry', subject: 'KA' },
      { file: files[1], label: 'neutral', subject: 'KA' },
      { file: files[2], label: 'surprise', subject: 'YM' },
    ]);
    const odd = put('jaffe', 'KA.XX1.39.tiff');
    expect(() => readJaffe(join(folder, 'jaffe'))).toThrow(odd);
  });

  it('is cropped from its TIFFs by the code that serves', () => {
    const photo = shrunk(astronaut(), 0.5);
    const grey = Uint8Array.from({ length: 256 * 256 }, (_, at) => photo.data[at * 4 + 1] as number);
    const subjects = ['KA', 'KL', 'KM', 'KR'];
    for (const subject of subjects) put('jaffe2', `${subject}.HA1.29.tiff`, encodeTiff(256, 256, grey));
    const out = join(folder, 'jaffe-packed');
    const { status, stderr } = prepare('jaffe', 'jaffe2', out);
    expect([status, stderr.replace(/^cropping.*\n/gm, '')]).toEqual([
      0,
      expect.not.stringContaining('error'),
    ]);
    const set = readDataSet(out);
    expect(set.index).toMatchObject({
      name: 'jaffe',
      count: 4,
      splits: { Training: 2, PublicTest: 1, PrivateTest: 1 },
    });
    expect([...(set.subjects ?? [])].sort()).toEqual([0, 1, 2, 3]);
    expect([...set.labels]).toEqual(Array(4).fill(LABELS.indexOf('happy')));
    // A face fills its crop with more than one grey level.
    expect(new Set(set.images.subarray(0, 2304)).size).toBeGreaterThan(50);
  });

  it('names all TIFFs that cannot be read, each with its reason, and writes nothing', () => {
    const whole = encodeTiff(256, 256, new Uint8Array(256 * 256));
    put('jaffe3', 'KA.HA1.29.tiff', whole);
    const cut = put('jaffe3', 'KA.HA2.30.tiff', whole.subarray(0, 3000));
    const small = put('jaffe3', 'KA.SA1.33.tiff', encodeTiff(2, 2, new Uint8Array(4)));
    const out = join(folder, 'never');
    const { status, stderr } = prepare('jaffe', 'jaffe3', out);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: pictures that cannot be read, which --skip-unreadable leaves out: 2$/m);
    const named = stderr.split('\n').filter((line) => line.startsWith('  '));
    expect(named).toEqual([
      expect.stringMatching(`^  ${cut}: .+`),
      `  ${small}: it has 2×2 pixels, not 256×256`,
    ]);
    expect(readdirSync(folder).filter((name) => name.startsWith('never'))).toEqual([]);
  });
});

describe('a folder per class', () => {
  it('is cropped where a face is found, and says where none is, and what cannot be read', async () => {
    const jpeg = await encodeJpeg(astronaut());
    for (let at = 0; at < 4; at++) put('mine', `happy/${at}.jpg`, jpeg);
    const none = put('mine', 'sadness/tree.png', encodePng(pattern(64, 64)));
    const cut = put('mine', 'happy/cut.jpg', jpeg.subarray(0, 100));
    const out = join(folder, 'mine-packed');
    const { status, stdout, stderr } = prepare('folder', 'mine', out, '--skip-unreadable');
    expect(status).toBe(0);
    expect(stderr).toContain(`skipped, since they cannot be read: 1\n  ${cut}: The jpeg`);
    expect(stdout).toContain('left out: 1 without a face that is found, 1 unreadable');
    expect(stderr).toContain(`no face found: ${none}`);
    expect(stderr).toContain('sad: none of its pictures is kept');
    const set = readDataSet(out);
    expect(set.index).toMatchObject({ name: 'folder', count: 4, leftOut: { faceless: 1, unreadable: 1 } });
    rmSync(cut);
    expect(set.subjects).toBeUndefined();
    expect(rowsOf(set, 'Training')).toHaveLength(2);
    const whole = prepare('folder', 'mine', out, '--face', 'whole');
    expect(whole.status).toBe(0);
    expect(readDataSet(out).index.count).toBe(5);
  }, 120_000);

  it('says which class is left without a picture to learn from, and when a split is empty', () => {
    for (let at = 0; at < 3; at++) put('little', `happy/${at}.png`, encodePng(pattern(48, 48)));
    put('little', 'sad/0.png', encodePng(pattern(48, 48)));
    const out = join(folder, 'little-packed');
    const { status, stderr } = prepare('folder', 'little', out, '--face', 'whole');
    expect([status, stderr]).toEqual([0, expect.stringContaining('sad: too few pictures')]);
    // In the labels' order; there is no folder of these.
    expect(stderr.match(/^\w+(?=: there is no picture of it$)/gm)).toEqual(
      LABELS.filter((label) => label !== 'happy' && label !== 'sad'),
    );
    rmSync(join(folder, 'little', 'happy', '0.png'));
    const few = prepare('folder', 'little', out, '--face', 'whole');
    expect([few.status, few.stderr]).toEqual([
      1,
      expect.stringMatching(/little: 3 pictures are too few: none is left for Training/),
    ]);
  }, 120_000);

  it('says which files are no pictures that it reads, and which class has none', () => {
    for (const name of ['1.heic', '2.HEIC', '3.gif', '4.png']) put('kinds', `happy/${name}`);
    put('kinds', 'fear/1.bmp');
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    expect(readClassFolders(join(folder, 'kinds'))).toHaveLength(1);
    const lines = said.mock.calls.map(([line]) => line);
    said.mockRestore();
    const [fear, happy] = [join(folder, 'kinds', 'fear'), join(folder, 'kinds', 'happy')];
    expect(lines).toEqual([
      `${fear}: left out 1 .bmp: pictures are .png, .jpg, .webp or .tiff`,
      `${fear}: there is no picture in it`,
      `${happy}: left out 2 .heic, 1 .gif: pictures are .png, .jpg, .webp or .tiff`,
    ]);
  });

  it('refuses a class that is none, and an empty folder', () => {
    put('odd', 'joyful/1.png');
    expect(() => readClassFolders(join(folder, 'odd'))).toThrow(/joyful: no expression is called so/);
    mkdirSync(join(folder, 'empty'));
    expect(() => readClassFolders(join(folder, 'empty'))).toThrow(/there is no picture/);
  });
});

describe('splitAtRandom', () => {
  it('keeps each subject on one side', () => {
    const subjects = Array.from({ length: 200 }, (_, row) => `S${row % 20}`);
    const splits = splitAtRandom(
      subjects.map(() => 'happy'),
      subjects,
      1,
    );
    for (const subject of new Set(subjects))
      expect(new Set([...splits].filter((_, row) => subjects[row] === subject)).size).toBe(1);
    expect([0, 1, 2].map((code) => splits.filter((split) => split === code).length)).toEqual([160, 20, 20]);
    expect(
      splitAtRandom(
        subjects.map(() => 'happy'),
        subjects,
        1,
      ),
    ).toEqual(splits);
    expect(
      splitAtRandom(
        subjects.map(() => 'happy'),
        subjects,
        2,
      ),
    ).not.toEqual(splits);
  });

  it('gives every class its share where subjects are not known', () => {
    const labels = Array.from({ length: 150 }, (_, row) => (row < 100 ? 'happy' : 'sad'));
    const splits = splitAtRandom(
      labels,
      labels.map(() => undefined),
      1,
    );
    const sad = splits.subarray(100);
    expect([0, 1, 2].map((code) => sad.filter((split) => split === code).length)).toEqual([40, 5, 5]);
  });
});

// A file system of 1 MB, which only root may make.
const small = join(folder, 'small');
mkdirSync(small);
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]).status === 0;
if (!mounted) console.warn('skipped: a full disk; no small file system can be mounted');
afterAll(() => {
  if (mounted) spawnSync('umount', [small]);
});

it.skipIf(!mounted)(
  'says that the disk is full, and leaves nothing half-written',
  () => {
    for (let at = 0; at < 500; at++) {
      const noise = Uint8ClampedArray.from({ length: 48 * 48 * 4 }, (_, i) =>
        i % 4 === 3 ? 255 : (at * 7919 + i * i) % 251,
      );
      put('noisy', `happy/${at}.png`, encodePng({ width: 48, height: 48, data: noise }));
    }
    writeFileSync(join(small, 'filling'), new Uint8Array(800_000));
    const { status, stderr } = prepare('folder', 'noisy', join(small, 'packed'), '--face', 'whole');
    expect(status).toBe(1);
    expect(stderr).toMatch(/cannot write .*packed: ENOSPC/);
    expect(readdirSync(small)).toEqual(['filling']);
    expect(existsSync(join(small, 'packed'))).toBe(false);
  },
  60_000,
);
