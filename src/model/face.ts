import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import type { Assets } from './assets.js';
import { computeOn, type EngineName } from './backends/current.js';
import { MienError } from './errors.js';
import {
  type Candidate,
  decodeCandidates,
  dropCovered,
  GRID_SIZES,
  INPUT_SIDE,
  isSameFace,
  mergeCandidates,
  REGRESSION,
} from './face/candidates.js';
import { createLetterbox } from './face/letterbox.js';
import { turnedByMouth } from './face/profile.js';
import { type Look, lookAround, type Region, regionsOf } from './face/tiles.js';
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
  /**
   * Left and right as seen in the picture when the face is upright: `left` is the person's right eye. Their line is turned by the
   * mouth where both are nearly one, as in profile.
   */
  eyes: { left: Point; right: Point };
  /** Angle of the line through the eyes, degrees, -180 to 180; positive is turned clockwise. */
  roll: number;
}

export interface DetectOptions {
  /** Most faces returned, best first. Default 100. */
  maxFaces?: number;
  /**
   * Smallest face returned, pixels of the box's side; the smaller it is, the more tiles of the picture are looked at,
   * up to 500 in all: where those would not do, the smallest faces are left out.
   * Default: as small as at most about three tiles a side show, but not below 40, and nothing is left out.
   */
  minFaceSize?: number;
  /** Least confidence, 0 to 1, of the first look and of the last. Default 0.5. */
  minConfidence?: number;
}

export interface FaceDetector {
  /** Finds the faces of a raster, best first. Synchronous: its backend computes it at once. */
  detect(raster: Raster, options?: DetectOptions): Face[];
  dispose(): void;
}

/** The network's outputs: logits and regression of the fine grid, then of the coarse one. */
const OUTPUTS = ['Identity', 'Identity_2', 'Identity_1', 'Identity_3'];

/** Share of the square that a picture takes when it shows no face otherwise: one that reaches over its borders is found so. */
const BORDERED = 2 / 3;
/** From this confidence on, one look at a face is enough. */
const SURE = 0.8;
/** Least confidence of a face that is looked at again. */
const CONFIRMED = 0.7;
/** Most faces that are looked at again, the surest first. What is less sure is then left out. */
const MOST_DOUBTS = 100;

/**
 * Loads BlazeFace (back, 256 x 256; Bazarevsky et al. 2019) onto the current tfjs backend. It is the one
 * file set taken from `@vladmandic/human`; decoding follows the paper and MediaPipe.
 *
 * @throws MienError `internal` where the files are not that network
 */
export async function createFaceDetector({
  detector: { topology, weights: weightData },
  wasm,
}: Pick<Assets, 'detector' | 'wasm'>): Promise<FaceDetector> {
  const { modelTopology, weightsManifest } = topology as {
    modelTopology: object;
    weightsManifest: { weights: tf.io.WeightsManifestEntry[] }[];
  };
  const artifacts: tf.io.ModelArtifacts = {
    modelTopology,
    weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
    weightData,
  };
  const letterbox = createLetterbox(wasm.kernels, INPUT_SIDE);
  const engineName = tf.getBackend() as EngineName;
  const model = await loadGraphModel(tf.io.fromMemory(artifacts)).catch((cause) => {
    throw new MienError('internal', 'The face detector does not load: run `npm run build`.', { cause });
  });

  function run(pixels: Float32Array): { logits: Float32Array; regression: Float32Array } {
    const [fine, coarse] = GRID_SIZES as [number, number];
    const logits = new Float32Array(fine + coarse);
    const regression = new Float32Array((fine + coarse) * REGRESSION);
    const compute = () => {
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
    };
    computeOn(engineName, () => tf.tidy(compute));
    return { logits, regression };
  }

  /** Candidates of one look, in pixels of the raster; not those that the region's border cuts. */
  function look(raster: Raster, { region, share }: Look, minConfidence: number): Candidate[] {
    const boxed = letterbox(raster, region, share);
    const { logits, regression } = run(boxed.pixels);
    // Whole pixels leave the two a little apart.
    const [scaleX, scaleY] = [region.width / boxed.width, region.height / boxed.height];
    return decodeCandidates(logits, regression, minConfidence)
      .map(({ confidence, values }) => ({
        confidence,
        values: values.map((value, at) => {
          if (at === 2 || at === 3) return value * (at === 2 ? scaleX : scaleY);
          return at % 2 === 0 ? (value - boxed.x) * scaleX + region.x : (value - boxed.y) * scaleY + region.y;
        }),
      }))
      .filter((candidate) => !isCut(candidate, region, raster));
  }

  /** What a look at a face alone says of it; undefined where it sees none there. */
  function lookAgain(raster: Raster, face: Candidate, minConfidence: number): Candidate | undefined {
    const [x, y, side] = face.values as unknown as [number, number, number];
    const around = lookAround(raster, x, y, side);
    const seen = mergeCandidates(look(raster, around, Math.max(minConfidence, CONFIRMED)));
    return [...seen].find((one) => isSameFace(one, face));
  }

  return {
    detect(raster, { maxFaces = 100, minFaceSize, minConfidence = 0.5 } = {}) {
      const isLarge = ({ values }: Candidate) => (values[2] as number) >= (minFaceSize ?? 0);
      let doubts = 0;
      const confirm = (face: Candidate) => {
        if (face.confidence >= SURE || !isLarge(face)) return face;
        return doubts++ < MOST_DOUBTS ? lookAgain(raster, face, minConfidence) : undefined;
      };
      const facesOf = (looks: Look[]): Candidate[] => {
        const candidates = looks.flatMap((one) => look(raster, one, minConfidence)).sort(surestFirst);
        const faces: Candidate[] = [];
        for (const face of dropCovered(mergeCandidates(candidates), confirm)) {
          if (isLarge(face)) faces.push(face);
          if (faces.length >= maxFaces) break;
        }
        return faces.sort(surestFirst);
      };
      const looks = regionsOf(raster.width, raster.height, minFaceSize).map((region) => ({
        region,
        share: 1,
      }));
      const [whole] = looks as [Look];
      const seen = facesOf(looks);
      const faces = seen.length > 0 ? seen : facesOf([{ ...whole, share: BORDERED }]);
      return faces.map((face) => toFace(face, raster));
    },
    dispose: () => model.dispose(),
  };
}

const surestFirst = (one: Candidate, other: Candidate) => other.confidence - one.confidence;

/** Whether a face reaches over a side of the region where the picture goes on: another region shows it whole. */
function isCut({ values }: Candidate, region: Region, { width, height }: Raster): boolean {
  const [x, y, across, down] = values as unknown as [number, number, number, number];
  return (
    (region.x > 0 && x - across / 2 < region.x) ||
    (region.y > 0 && y - down / 2 < region.y) ||
    (region.x + region.width < width && x + across / 2 > region.x + region.width) ||
    (region.y + region.height < height && y + down / 2 > region.y + region.height)
  );
}

/**
 * To the nearest 1/65536: backends differ in the last bits of a float32, and what is told of a face should
 * not.
 */
const rounded = (ratio: number) => Math.round(ratio * 65536) / 65536;

function toFace({ confidence, values }: Candidate, { width, height }: Raster): Face {
  const [x, y, boxWidth, boxHeight] = values as unknown as [number, number, number, number];
  const point = (at: number): Point => ({ x: values[at] as number, y: values[at + 1] as number });
  const ratios = (place: Point): Point => ({ x: rounded(place.x / width), y: rounded(place.y / height) });
  const [left, right] = turnedByMouth([point(4), point(6)], point(10), boxWidth).map(ratios) as [
    Point,
    Point,
  ];
  const roll = Math.atan2((right.y - left.y) * height, (right.x - left.x) * width);
  return {
    box: {
      x: rounded((x - boxWidth / 2) / width),
      y: rounded((y - boxHeight / 2) / height),
      width: rounded(boxWidth / width),
      height: rounded(boxHeight / height),
    },
    confidence: rounded(confidence),
    eyes: { left, right },
    roll: Math.round((roll * 18000) / Math.PI) / 100,
  };
}
