import { CROP_BYTES } from '../../src/model/architecture.js';
import { MienError } from '../../src/model/errors.js';
import { LABELS, type Label } from '../../src/model/labels.js';
import { main, npmCommand } from '../lib/command.js';
import { faceOption, positive, SKIP_UNREADABLE_OPTION } from '../lib/options.js';
import { Progress } from '../lib/progress.js';
import { type Cropper, createCropper } from './data/faces.js';
import { readFer2013, readFerPlus, type Sample, SPLITS, VOTES } from './data/fer2013.js';
import { type DataSet, findCopies, type LeftOut, refuseOtherFolder, writeDataSet } from './data/pack.js';
import { splitAtRandom } from './data/split.js';
import { type Picture, readCkPlus, readCkPlus48, readClassFolders, readJaffe } from './data/trees.js';

/** FER2013's official number of rows; only the progress display relies on it. */
const ROWS = 35_887;

/** Joins pictures chunk by chunk, so that the peak stays near the data's own size. */
async function collect(csv: string) {
  const samples: Sample[] = [];
  const progress = new Progress('reading', ROWS);
  for await (const sample of readFer2013(csv)) {
    samples.push(sample);
    progress.update(samples.length);
  }
  const images = new Uint8Array(samples.length * CROP_BYTES);
  samples.forEach((sample, i) => {
    images.set(sample.pixels, i * CROP_BYTES);
  });
  const labels = Uint8Array.from(samples, (sample) => sample.label);
  const splits = Uint8Array.from(samples, (sample) => SPLITS.indexOf(sample.split));
  return { images, labels, splits };
}

async function collectVotes(file: string | undefined, splits: Uint8Array): Promise<Uint8Array> {
  const count = splits.length;
  const votes = new Uint8Array(count * VOTES.length);
  if (file === undefined) return votes;
  let row = 0;
  for await (const face of readFerPlus(file)) {
    if (row < count && face.split !== SPLITS[splits[row] as number])
      throw new MienError(
        'invalid_data',
        `${file}: row ${row + 1} is of ${face.split}, the picture of ${SPLITS[splits[row] as number]}: they must be aligned`,
      );
    if (row < count) votes.set(face.votes, row * VOTES.length);
    row++;
  }
  if (row !== count)
    throw new MienError(
      'invalid_data',
      `${file} has ${row} rows, the pictures ${count}: they must be aligned`,
    );
  return votes;
}

interface Tree {
  about: string;
  read(root: string): Picture[];
  /** Whether its pictures are cropped already. */
  face: 'auto' | 'whole';
  /** Of every picture, in pixels, where it is the same. */
  side?: number;
}

/** Trees of files by the name of their command. */
const TREES: Record<string, Tree> = {
  folder: { about: 'Your own pictures, in a folder an expression.', read: readClassFolders, face: 'auto' },
  ckplus: { about: 'CK+, as its authors hand it out.', read: readCkPlus, face: 'auto' },
  ckplus48: {
    about: 'CK+ in a folder an expression, cropped to 48 pixels, as on Kaggle.',
    read: readCkPlus48,
    face: 'whole',
    side: 48,
  },
  jaffe: { about: 'JAFFE.', read: readJaffe, face: 'auto', side: 256 },
};

interface TreeOptions {
  root: string;
  face: 'auto' | 'whole';
  seed: number;
  skipUnreadable?: true | undefined;
}

/** Crops every picture; those in which no face is found are left out, and said. */
async function cropAll(pictures: Picture[], cropper: Cropper, skipUnreadable = false) {
  const kept: { picture: Picture; pixels: Uint8Array }[] = [];
  const unreadable: string[] = [];
  const progress = new Progress('cropping', pictures.length);
  for (const [index, picture] of pictures.entries()) {
    try {
      const pixels = await cropper.crop(picture.file);
      if (pixels) kept.push({ picture, pixels });
      else console.error(`no face found: ${picture.file}`);
    } catch (error) {
      if (!MienError.is(error)) throw error;
      unreadable.push(error.message);
    }
    progress.update(index + 1);
  }
  refuseUnreadable(unreadable, skipUnreadable);
  const faceless = pictures.length - kept.length - unreadable.length;
  return { kept, leftOut: { faceless, unreadable: unreadable.length } };
}

/** All at once, so that they can be mended at once; said where they are to be skipped. */
function refuseUnreadable(unreadable: string[], skip: boolean): void {
  if (unreadable.length === 0) return;
  const list = unreadable.map((line) => `\n  ${line}`).join('');
  if (skip) console.error(`skipped, since they cannot be read: ${unreadable.length}${list}`);
  else
    throw new MienError(
      'invalid_data',
      `pictures that cannot be read, which --skip-unreadable leaves out: ${unreadable.length}${list}`,
    );
}

async function collectTree(
  tree: Tree,
  { root, face, seed, skipUnreadable }: TreeOptions,
): Promise<{ set: DataSet; leftOut: LeftOut }> {
  const pictures = tree.read(root);
  const cropper = await createCropper(face, tree.side);
  const { kept, leftOut } = await cropAll(pictures, cropper, skipUnreadable);
  cropper.dispose();
  if (kept.length === 0) throw new MienError('invalid_data', 'no picture has a face that is found');
  const images = new Uint8Array(kept.length * CROP_BYTES);
  kept.forEach(({ pixels }, row) => {
    images.set(pixels, row * CROP_BYTES);
  });
  const subjects = kept.map(({ picture }) => picture.subject);
  const names = [...new Set(subjects)].sort();
  const labels = kept.map(({ picture }) => picture.label);
  const splits = splitAtRandom(labels, subjects, seed);
  refuseTooFew(root, splits);
  warnOfMissing(
    pictures.map(({ label }) => label),
    labels,
    splits,
  );
  const set = {
    images,
    labels: Uint8Array.from(labels, (label) => LABELS.indexOf(label)),
    splits,
    copies: findCopies(images, splits),
    votes: new Uint8Array(kept.length * VOTES.length),
    ...(names[0] !== undefined && {
      subjects: Uint16Array.from(subjects, (subject) => names.indexOf(subject)),
    }),
  };
  return { set, leftOut };
}

/** Each split needs a picture. */
function refuseTooFew(root: string, splits: Uint8Array): void {
  for (const [code, split] of SPLITS.entries())
    if (!splits.includes(code))
      throw new MienError(
        'invalid_data',
        `${root}: ${splits.length} pictures are too few: none is left for ${split}`,
      );
}

/** A class without a picture, of which none is kept, or that has none to learn from, is said. */
function warnOfMissing(found: Label[], kept: Label[], splits: Uint8Array): void {
  const learnt = new Set(kept.filter((_, row) => splits[row] === SPLITS.indexOf('Training')));
  for (const label of LABELS)
    if (!found.includes(label)) console.error(`${label}: there is no picture of it`);
    else if (!kept.includes(label)) console.error(`${label}: none of its pictures is kept`);
    else if (!learnt.has(label))
      console.error(`${label}: too few pictures, or too few people; none is left to learn from`);
}

async function collectFer2013(csv: string, ferplus: string | undefined): Promise<DataSet> {
  const set = await collect(csv);
  refuseTooFew(csv, set.splits);
  const votes = await collectVotes(ferplus, set.splits);
  return { ...set, votes, copies: findCopies(set.images, set.splits) };
}

function write(out: string, kind: string, set: DataSet, leftOut?: LeftOut): void {
  const index = writeDataSet(out, kind, set, leftOut);
  const counts = SPLITS.map((split) => `${split} ${index.splits[split]}`).join(', ');
  console.log(`${out}: ${index.count} faces (${counts}; ${index.copies} test images copy a training image)`);
  if (leftOut)
    console.log(
      `left out: ${leftOut.faceless} without a face that is found, ${leftOut.unreadable} unreadable`,
    );
}

const command = npmCommand('prepare-data').description('Packs a data set for training.');

command
  .command('fer2013')
  .description("Kaggle's FER2013, with the votes of FER+ where they are given.")
  .requiredOption('--csv <file>', 'fer2013.csv, gzipped or not')
  .option('--ferplus <file>', 'fer2013new.csv')
  .requiredOption('--out <folder>', 'where to')
  .action(async ({ csv, ferplus, out }) => {
    refuseOtherFolder(out);
    write(out, 'fer2013', await collectFer2013(csv, ferplus));
  });

for (const [kind, tree] of Object.entries(TREES))
  command
    .command(kind)
    .description(tree.about)
    .requiredOption('--root <folder>', 'the pictures')
    .addOption(faceOption().default(tree.face))
    .option(...SKIP_UNREADABLE_OPTION)
    .option('--seed <n>', 'of the split at random', positive, 1)
    .requiredOption('--out <folder>', 'where to')
    .action(async ({ out, ...options }) => {
      refuseOtherFolder(out);
      const { set, leftOut } = await collectTree(tree, options);
      write(out, kind, set, leftOut);
    });

main(command);
