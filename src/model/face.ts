import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import type { Assets } from './assets.js';
import { MienError } from './errors.js';
import {
  type Candidate,
  decodeCandidates,
  GRID_SIZES,
  INPUT_SIDE,
  mergeCandidates,
} from './face/candidates.js';
import { type Letterbox, letterbox } from './face/letterbox.js';
import type { Raster } from './image/raster.js';

export interface Point {
  x: number;
  y: number;
}

/** A face in a raster. Places are ratios of the raster's width and height, and may lie outside 0 to 1. */
export interface Face {
  /** Upright and square in pixels, about from the forehead to the chin. */
  box: { x: number; y: number; width: number; height: number };
  /** How sure the detector is that this is a face, 0 to 1. */
  confidence: number;
  /** Left and right as seen in the picture when the face is upright: `left` is the person's right eye. */
  eyes: { left: Point; right: Point };
  /** Angle of the line through the eyes, degrees, -180 to 180; positive is turned clockwise. */
  roll: number;
}

export interface DetectOptions {
  /** Most faces returned, best first. Default 100. */
  maxFaces?: number;
  /** Least confidence, 0 to 1. Default 0.5. */
  minConfidence?: number;
}

export interface FaceDetector {
  /** Finds the faces of a raster, best first. Synchronous: the current tfjs backend computes it at once. */
  detect(raster: Raster, options?: DetectOptions): Face[];
  dispose(): void;
}

/** The network's outputs: logits and regression of the fine grid, then of the coarse one. */
const OUTPUTS = ['Identity', 'Identity_2', 'Identity_1', 'Identity_3'];
const REGRESSION = 16;

/**
 * Loads BlazeFace (back, 256 x 256; Bazarevsky et al. 2019) onto the current tfjs backend. It is the one
 * file set taken from `@vladmandic/human`; decoding follows the paper and MediaPipe.
 *
 * @throws MienError `internal` where the files are not that network
 */
export async function createFaceDetector(assets: Assets['detector']): Promise<FaceDetector> {
  const { modelTopology, weightsManifest } = assets.topology as {
    modelTopology: object;
    weightsManifest: { weights: tf.io.WeightsManifestEntry[] }[];
  };
  const artifacts: tf.io.ModelArtifacts = {
    modelTopology,
    weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
    weightData: assets.weights,
  };
  const model = await loadGraphModel(tf.io.fromMemory(artifacts)).catch((cause) => {
    throw new MienError('internal', 'The face detector does not load: run `npm run build`.', { cause });
  });

  function run(pixels: Float32Array): { logits: Float32Array; regression: Float32Array } {
    const [fine, coarse] = GRID_SIZES as [number, number];
    const logits = new Float32Array(fine + coarse);
    const regression = new Float32Array((fine + coarse) * REGRESSION);
    tf.tidy(() => {
      const input = tf.tensor4d(pixels, [1, INPUT_SIDE, INPUT_SIDE, 3]);
      const [fineLogits, fineBoxes, coarseLogits, coarseBoxes] = (
        model.execute({ input }, OUTPUTS) as tf.Tensor[]
      ).map((tensor) => tensor.dataSync<'float32'>()) as [
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      logits.set(fineLogits);
      logits.set(coarseLogits, fine);
      regression.set(fineBoxes);
      regression.set(coarseBoxes, fine * REGRESSION);
    });
    return { logits, regression };
  }

  return {
    detect(raster, { maxFaces = 100, minConfidence = 0.5 } = {}) {
      const boxed = letterbox(raster, INPUT_SIDE);
      const { logits, regression } = run(boxed.pixels);
      return mergeCandidates(decodeCandidates(logits, regression, minConfidence))
        .slice(0, maxFaces)
        .map((candidate) => toFace(candidate, boxed, raster));
    },
    dispose: () => model.dispose(),
  };
}

/**
 * To the nearest 1/65536: backends differ in the last bits of a float32, and what is told of a face should
 * not.
 */
const rounded = (ratio: number) => Math.round(ratio * 65536) / 65536;

function toFace({ confidence, values }: Candidate, boxed: Letterbox, raster: Raster): Face {
  const [x, y, width, height, leftX, leftY, rightX, rightY] = values as unknown as [
    ...[number, number, number, number],
    ...[number, number, number, number],
  ];
  const across = (value: number) => rounded((value - boxed.x) / boxed.width);
  const down = (value: number) => rounded((value - boxed.y) / boxed.height);
  const left = { x: across(leftX), y: down(leftY) };
  const right = { x: across(rightX), y: down(rightY) };
  const roll = Math.atan2((right.y - left.y) * raster.height, (right.x - left.x) * raster.width);
  return {
    box: {
      x: across(x - width / 2),
      y: down(y - height / 2),
      width: rounded(width / boxed.width),
      height: rounded(height / boxed.height),
    },
    confidence: rounded(confidence),
    eyes: { left, right },
    roll: Math.round((roll * 18000) / Math.PI) / 100,
  };
}
