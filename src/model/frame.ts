import type { Face } from './face.js';

/**
 * Where a face is and how it is turned, in pixels of the raster: by its eyes.
 *
 * The eyes turn with the face, while the detector's box stays upright: with the test photo turned by 30
 * degrees, the crop differs from the upright one by 15 grey levels in the mean, and by 28 where eyes and box
 * count half each. In profile, though, the eyes draw together and the face would be cropped too tightly, so
 * there the box sets the size. framing.ts has the figures on FER2013.
 */
export interface Pose {
  /** The middle of the eyes. */
  x: number;
  y: number;
  /** The eyes' distance, or what the box's width says it is at least. */
  size: number;
  /** Unit vector from the eye left in the picture to the right one: the face's own "across". */
  acrossX: number;
  acrossY: number;
}

/** Eyes nearer than this share of the box's width are in profile: 0.9 of the median of FER2013's faces. */
const LEAST_EYES = 0.357;

/** A square of the raster, possibly turned: what one crop shows. In pixels, pixel centres at 0.5. */
export interface Frame {
  x: number;
  y: number;
  side: number;
  acrossX: number;
  acrossY: number;
}

/** Uses only `+ - * /` and `Math.sqrt`, which every engine rounds alike; sine and cosine differ in the last bit. */
export function poseOf(face: Face, width: number, height: number): Pose {
  const { box, eyes } = face;
  const eyesX = (eyes.right.x - eyes.left.x) * width;
  const eyesY = (eyes.right.y - eyes.left.y) * height;
  const distance = Math.sqrt(eyesX * eyesX + eyesY * eyesY);
  return {
    x: ((eyes.left.x + eyes.right.x) / 2) * width,
    y: ((eyes.left.y + eyes.right.y) / 2) * height,
    size: Math.max(distance, LEAST_EYES * Math.abs(box.width * width)),
    // Eyes in one point say nothing of the roll: level, then.
    acrossX: distance > 0 ? eyesX / distance : 1,
    acrossY: distance > 0 ? eyesY / distance : 0,
  };
}

/**
 * The frame that FER2013 would have put around a face so posed.
 *
 * @param framing side of the frame in sizes of the pose; how far the frame's centre lies below the pose's
 *   (towards the chin), in sides of the frame
 */
export function frameOf(pose: Pose, framing: { side: number; down: number }): Frame {
  const side = Math.max(1, pose.size * framing.side);
  const down = side * framing.down;
  const { acrossX, acrossY } = pose;
  return { x: pose.x - acrossY * down, y: pose.y + acrossX * down, side, acrossX, acrossY };
}
