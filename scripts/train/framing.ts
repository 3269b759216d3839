import { join } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { loadAssets, packageRoot } from '../../src/assets/node.js';
import { CROP_SIZE } from '../../src/model/architecture.js';
import { createBackend } from '../../src/model/backends/index.js';
import { MienError } from '../../src/model/errors.js';
import { createFaceDetector, type Face } from '../../src/model/face.js';
import { type Frame, frameOf, type Pose, poseOf } from '../../src/model/frame.js';
import type { Raster } from '../../src/model/image.js';
import { main, npmCommand } from '../lib/command.js';
import { writeAtomically } from '../lib/files.js';
import { positive } from '../lib/options.js';
import { Progress } from '../lib/progress.js';
import { median, quantiles } from '../lib/statistics.js';
import { readFer2013 } from './data/fer2013.js';

/** The detector's input side: nothing is resized a second time. */
const CANVAS = 256;
/** A picture's side on the canvas; a margin is left, since the detector expects faces to have surroundings. */
const SHOWN = 192;
const MARGIN = (CANVAS - SHOWN) / 2;
const SCALE = SHOWN / CROP_SIZE;
/** Rows of the Training split, which come first in the file: only how evenly they are sampled relies on it. */
const TRAINING_ROWS = 28_709;

/** What a rule takes its pose from; `held` is the one in use (poseOf), the others are for comparison. */
const RULES: Record<'held' | 'eyes' | 'box', (face: Face) => Pose> = {
  held: (face) => poseOf(face, CANVAS, CANVAS),
  // A box without width sets no least size.
  eyes: (face) => poseOf({ ...face, box: { ...face.box, width: 0 } }, CANVAS, CANVAS),
  box: (face) => ({
    ...poseOf(face, CANVAS, CANVAS),
    x: (face.box.x + face.box.width / 2) * CANVAS,
    y: (face.box.y + face.box.height / 2) * CANVAS,
    size: face.box.width * CANVAS,
  }),
};

/** Enlarges a picture, bilinearly, onto the middle of a grey canvas. */
function onCanvas(pixels: Uint8Array): Raster {
  const data = new Uint8ClampedArray(CANVAS * CANVAS * 4).fill(128);
  const at = (x: number, y: number) =>
    pixels[
      Math.min(CROP_SIZE - 1, Math.max(0, y)) * CROP_SIZE + Math.min(CROP_SIZE - 1, Math.max(0, x))
    ] as number;
  for (let row = 0; row < SHOWN; row++) {
    for (let column = 0; column < SHOWN; column++) {
      const x = (column + 0.5) / SCALE - 0.5;
      const y = (row + 0.5) / SCALE - 0.5;
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const [right, below] = [x - left, y - top];
      const upper = at(left, top) * (1 - right) + at(left + 1, top) * right;
      const lower = at(left, top + 1) * (1 - right) + at(left + 1, top + 1) * right;
      const start = ((MARGIN + row) * CANVAS + MARGIN + column) * 4;
      data.fill(upper * (1 - below) + lower * below, start, start + 3);
    }
  }
  return { width: CANVAS, height: CANVAS, data };
}

type Percentiles = Record<'p10' | 'p50' | 'p90', number>;

/** What one rule makes of the faces: the constants it needs, and how near they come. */
interface Fit {
  framing: { side: number; down: number };
  /** Median of the sideways offset, in sides of the frame: near 0, for FER2013 prefers no side. */
  across: number;
  /** Frame found / true frame, side by side. */
  sideRatio: Percentiles;
  /** Distance of the centres, in pixels of the 48 x 48 picture. */
  centreError: Percentiles;
  /** Intersection over union of the frame found, taken as upright, and the picture. */
  overlap: Percentiles;
}

function percentiles(values: number[]): Percentiles {
  const [p10, p50, p90] = quantiles(values, 0.1, 0.5, 0.9);
  return { p10, p50, p90 };
}

function overlapWithPicture({ x, y, side }: Frame): number {
  const reach = (centre: number) =>
    Math.max(0, Math.min(MARGIN + SHOWN, centre + side / 2) - Math.max(MARGIN, centre - side / 2));
  const common = reach(x) * reach(y);
  return common / (side * side + SHOWN * SHOWN - common);
}

/** Medians throughout: one face in ten is framed quite otherwise, and must not pull the rest. */
function measure(poses: Pose[]): Fit {
  const side = SHOWN / median(poses.map(({ size }) => size));
  const offsets = poses.map((pose) => {
    const [x, y] = [CANVAS / 2 - pose.x, CANVAS / 2 - pose.y];
    const own = pose.size * side;
    return {
      across: (x * pose.acrossX + y * pose.acrossY) / own,
      down: (y * pose.acrossX - x * pose.acrossY) / own,
    };
  });
  const framing = { side, down: median(offsets.map(({ down }) => down)) };
  const frames = poses.map((pose) => frameOf(pose, framing));
  return {
    framing,
    across: median(offsets.map(({ across }) => across)),
    sideRatio: percentiles(frames.map((frame) => frame.side / SHOWN)),
    centreError: percentiles(frames.map(({ x, y }) => Math.hypot(x - CANVAS / 2, y - CANVAS / 2) / SCALE)),
    overlap: percentiles(frames.map(overlapWithPicture)),
  };
}

const show = ({ p10, p50, p90 }: Percentiles, digits = 3) =>
  `${p50.toFixed(digits)} (${p10.toFixed(digits)} to ${p90.toFixed(digits)})`;

/** Where FER2013's eyes are, in pixels of the 48 x 48 picture. */
function describeEyes(faces: Face[]): string[] {
  const inPicture = (ratio: number) => (ratio * CANVAS - MARGIN) / SCALE;
  const of = (value: (face: Face) => number) => show(percentiles(faces.map(value)), 1);
  const distance = ({ eyes: { left, right } }: Face) =>
    (Math.hypot(right.x - left.x, right.y - left.y) * CANVAS) / SCALE;
  return [
    `eye distance ${of(distance)} px of 48, roll ${of(({ roll }) => roll)} degrees`,
    `middle of the eyes x ${of(({ eyes }) => inPicture((eyes.left.x + eyes.right.x) / 2))}, ` +
      `y ${of(({ eyes }) => inPicture((eyes.left.y + eyes.right.y) / 2))}`,
  ];
}

const command = npmCommand('framing')
  .description(
    'Derives how FER2013 frames faces: shows pictures of the Training split to the face detector, enlarged on a grey canvas, and finds the frame, relative to what the detector says, that best gives the picture itself back. Writes src/model/framing.ts.',
  )
  .requiredOption('--csv <file>', "Kaggle's fer2013.csv, gzipped or not")
  .option('--faces <n>', `so many pictures, at most ${TRAINING_ROWS}`, positive, 2000)
  .addOption(
    new Option('--out <file>', 'where to').default(
      join(packageRoot(), 'src', 'model', 'framing.ts'),
      'src/model/framing.ts',
    ),
  );

async function derive(values: ReturnType<typeof command.opts>): Promise<void> {
  const wanted = values.faces;
  if (wanted > TRAINING_ROWS)
    throw new MienError('invalid_data', `--faces: Training has ${TRAINING_ROWS} pictures`);

  const assets = await loadAssets();
  await createBackend('wasm', assets);
  const detector = await createFaceDetector(assets);
  const progress = new Progress('detecting', wanted);
  const faces: Face[] = [];
  let row = 0;
  let shown = 0;
  for await (const { pixels, split } of readFer2013(values.csv)) {
    if (split !== 'Training') continue;
    if (row++ !== Math.floor((shown * TRAINING_ROWS) / wanted)) continue;
    shown += 1;
    const [face] = detector.detect(onCanvas(pixels), { maxFaces: 1 });
    if (face) faces.push(face);
    progress.update(shown, `${faces.length} found`);
    if (shown === wanted) break;
  }
  if (faces.length === 0) throw new MienError('invalid_data', `${values.csv}: no face was found`);

  const lines = [
    `Found ${faces.length} of ${shown} faces. Medians (10th to 90th percentile):`,
    ...describeEyes(faces),
  ];
  for (const [name, rule] of Object.entries(RULES)) {
    const { framing, across, sideRatio, centreError, overlap } = measure(faces.map(rule));
    lines.push(
      `${name}: side ${framing.side.toFixed(3)}, down ${framing.down.toFixed(3)} (across ${across.toFixed(3)}), ` +
        `overlap ${show(overlap)},`,
      `  side / true side ${show(sideRatio)}, centre off by ${show(centreError, 1)} px of 48`,
    );
  }
  const { framing } = measure(faces.map(RULES.held));
  console.log(lines.join('\n'));
  writeAtomically(values.out, source(lines, wanted, framing));
  console.log(`wrote ${values.out}`);
}

function source(lines: string[], wanted: number, { side, down }: Fit['framing']): string {
  return `/*
 * Written by: npm run framing -- --csv fer2013.csv.gz --faces ${wanted}
 *
${lines.map((line) => ` * ${line}`).join('\n')}
 */

/**
 * How FER2013 frames a face, relative to its pose (frame.ts): the side of the frame in sizes of the pose, and
 * how far its centre lies below the pose's, in sides. Sideways it is 0, so that a mirrored face has a
 * mirrored crop.
 */
export const FRAMING = { side: ${Number(side.toFixed(3))}, down: ${Number(down.toFixed(3))} };
`;
}

main(command.action(derive));
