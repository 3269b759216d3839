import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { MienError } from '../../../src/model/errors.js';
import type { Label } from '../../../src/model/labels.js';

/** One picture of a tree of files, not yet opened. */
export interface Picture {
  file: string;
  label: Label;
  /** Who is in it, where the tree says so. */
  subject?: string;
}

const fault = (file: string, what: string) =>
  new MienError('invalid_data', `${file}: ${what}`, { details: { file } });

/** Names in a folder, sorted; hidden files left out. */
function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .sort();
  } catch (cause) {
    throw new MienError('invalid_data', `${folder}: ${(cause as Error).message}`, { cause });
  }
}

/** Names of the pictures in a folder; what else is there is said by its kind, as phones write kinds that are not read. */
function picturesIn(folder: string): string[] {
  const names = entries(folder);
  const pictures = names.filter((name) => /\.(png|jpe?g|webp|tiff?)$/i.test(name));
  const others = new Map<string, number>();
  for (const name of names.filter((name) => !pictures.includes(name))) {
    const kind = extname(name).toLowerCase() || name;
    others.set(kind, (others.get(kind) ?? 0) + 1);
  }
  const counted = [...others].map(([kind, count]) => `${count} ${kind}`);
  if (others.size > 0)
    console.error(`${folder}: left out ${counted.join(', ')}: pictures are .png, .jpg, .webp or .tiff`);
  return pictures;
}

/** The pictures of a class's folder; a folder without one is said. */
function picturesOfClass(folder: string): string[] {
  const pictures = picturesIn(folder);
  if (pictures.length === 0) console.error(`${folder}: there is no picture in it`);
  return pictures;
}

/** What folders and files call the seven expressions, ours and others' names. */
const NAMES: Record<string, Label> = {
  angry: 'angry',
  anger: 'angry',
  disgust: 'disgust',
  fear: 'fear',
  happy: 'happy',
  happiness: 'happy',
  sad: 'sad',
  sadness: 'sad',
  surprise: 'surprise',
  neutral: 'neutral',
};

/**
 * A folder with a folder of pictures for each expression. A class without a picture is no fault; an unknown name is.
 * @throws {MienError} `invalid_data`, naming the folder
 */
export function readClassFolders(root: string): Picture[] {
  const pictures = entries(root).flatMap((name): Picture[] => {
    const label = NAMES[name.toLowerCase()];
    if (!label)
      throw fault(join(root, name), `no expression is called so; there are ${Object.keys(NAMES).join(', ')}`);
    return picturesOfClass(join(root, name)).map((file) => ({ file: join(root, name, file), label }));
  });
  if (pictures.length === 0) throw fault(root, 'there is no picture below');
  return pictures;
}

/**
 * The common crops of CK+: `CK+48/<class>/S010_004_00000017.png`, 48×48 grey. Contempt is left out, and there is no
 * neutral.
 * @throws {MienError} `invalid_data`, naming the file
 */
export function readCkPlus48(root: string): Picture[] {
  const pictures = entries(root)
    .filter((name) => name !== 'contempt')
    .flatMap((name): Picture[] => {
      const label = NAMES[name];
      if (!label) throw fault(join(root, name), 'is no class of CK+48');
      return picturesOfClass(join(root, name)).map((file) => {
        const subject = /^(S\d+)_/.exec(file)?.[1];
        if (!subject) throw fault(join(root, name, file), 'is not named as S010_004_00000017.png is');
        return { file: join(root, name, file), label, subject };
      });
    });
  if (pictures.length === 0) throw fault(root, 'there is no picture below');
  return pictures;
}

/** CK+'s codes; 0 is for neutral, which no sequence ends in, and 2 for contempt. */
const CK_CODES: (Label | 'contempt' | undefined)[] = [
  'neutral',
  'angry',
  'contempt',
  'disgust',
  'fear',
  'happy',
  'sad',
  'surprise',
];

/** A sequence's last frames show its expression. */
const LAST_FRAMES = 3;

/**
 * The official tree of CK+: `cohn-kanade-images/S005/001/S005_001_00000011.png` with
 * `Emotion/S005/001/S005_001_00000011_emotion.txt`. Of each labelled sequence the last three frames show its expression
 * and the first is neutral; sequences of contempt, and those without a label, are left out.
 * @throws {MienError} `invalid_data`, naming the file
 */
export function readCkPlus(root: string): Picture[] {
  const [images, labels] = [join(root, 'cohn-kanade-images'), join(root, 'Emotion')];
  if (!existsSync(labels)) throw fault(labels, 'is absent: without it no sequence has a label');
  const pictures = entries(images).flatMap((subject) =>
    entries(join(images, subject)).flatMap((sequence): Picture[] => {
      const label = sequenceLabel(join(labels, subject, sequence));
      if (!label || label === 'contempt') return [];
      const frames = picturesIn(join(images, subject, sequence));
      if (frames.length <= LAST_FRAMES)
        throw fault(join(images, subject, sequence), `has only ${frames.length} frames`);
      const picture = (frame: string, shown: Label) => ({
        file: join(images, subject, sequence, frame),
        label: shown,
        subject,
      });
      return [
        picture(frames[0] as string, 'neutral'),
        ...frames.slice(-LAST_FRAMES).map((frame) => picture(frame, label)),
      ];
    }),
  );
  if (pictures.length === 0) throw fault(labels, 'has no *_emotion.txt that labels a sequence');
  return pictures;
}

function sequenceLabel(folder: string): Label | 'contempt' | undefined {
  const name = existsSync(folder) && entries(folder).find((file) => file.endsWith('_emotion.txt'));
  if (!name) return undefined;
  const file = join(folder, name);
  const text = readFileSync(file, 'utf8').trim();
  const label = CK_CODES[Number(text)];
  if (text === '' || !label || label === 'neutral')
    throw fault(file, `"${text}" is no expression of CK+, 1 to 7`);
  return label;
}

const JAFFE_CODES: Record<string, Label> = {
  AN: 'angry',
  DI: 'disgust',
  FE: 'fear',
  HA: 'happy',
  SA: 'sad',
  SU: 'surprise',
  NE: 'neutral',
};

/**
 * JAFFE: `KA.AN1.39.tiff`, that is subject, expression and its number, and a number, 256×256.
 * @throws {MienError} `invalid_data`, naming the file
 */
export function readJaffe(root: string): Picture[] {
  const pictures = entries(root)
    .filter((name) => /\.tiff?$/i.test(name))
    .map((name) => {
      const [, subject, code] = /^([A-Z]{2})\.([A-Z]{2})\d+\.\d+\.tiff?$/i.exec(name) ?? [];
      const label = JAFFE_CODES[code?.toUpperCase() ?? ''];
      if (!subject || !label) throw fault(join(root, basename(name)), 'is not named as KA.AN1.39.tiff is');
      return { file: join(root, name), label, subject };
    });
  if (pictures.length === 0) throw fault(root, 'there is no TIFF');
  return pictures;
}
