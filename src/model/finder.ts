import { CROP_BYTES } from './architecture.js';
import { cropFace, cropWhole } from './crop.js';
import { MienError } from './errors.js';
import type { DetectOptions, FaceDetector } from './face.js';
import type { ImageDecoder, Raster } from './image.js';
import { cropOf, type Saliency } from './saliency.js';

/** Where a face is. */
export interface FoundFace {
  /** About from the forehead to the chin, in ratios of the upright image's width and height; may reach beyond 0 to 1. */
  box: { x: number; y: number; width: number; height: number };
  /** How sure the detector is that this is a face, 0 to 1. */
  confidence: number;
  /** Angle of the line through the eyes, degrees, -180 to 180; positive is turned clockwise. */
  roll: number;
  /** The square that its crop shows. */
  crop: Saliency['crop'];
}

/** A photo's faces, before they are scored. Plain data, which goes from thread to thread. */
export interface FoundFaces {
  /** Size of the upright image, pixels. */
  image: { width: number; height: number };
  /** Surest face first. */
  faces: FoundFace[];
  /** uint8 [n, 48, 48], in the faces' order. */
  crops: Uint8Array;
  /** Milliseconds, without what was waited before. */
  timing: { decodeMs: number; detectMs: number };
}

export interface FindOptions extends Pick<DetectOptions, 'maxFaces' | 'minFaceSize'> {
  /**
   * `auto` looks for faces; `whole` takes the picture for one: its centre square is the face, level, with confidence 1.
   * Default `auto`.
   */
  face?: 'auto' | 'whole';
  /** Aborted when the answer is no longer wanted: what has not been computed by then is not. */
  signal?: AbortSignal;
}

export interface FaceFinder {
  /**
   * Decodes a photo, finds its faces and crops them.
   * @param bytes a JPEG, PNG or WebP file
   * @throws MienError whatever `ImageDecoder.decode` throws, `not_ready` after `dispose`; the signal's reason
   */
  find(bytes: Uint8Array, options: FindOptions): Promise<FoundFaces>;
  /** Runs the detector once, so that the first photo does not wait for its kernels. */
  warmUp(): Promise<void>;
  dispose(): void;
}

/** Only decoding waits: what comes after is one synchronous stretch, so that two photos never compute at once. */
export function createFinder(decoder: ImageDecoder, detector: FaceDetector): FaceFinder {
  let disposed = false;
  return {
    async find(bytes, { face, signal, ...options }) {
      signal?.throwIfAborted();
      const started = performance.now();
      const raster = await decoder.decode(bytes);
      signal?.throwIfAborted();
      if (disposed) throw new MienError('not_ready', 'The recognizer has been disposed of.');
      const decoded = performance.now();
      const cropped = face === 'whole' ? [wholeFace(raster)] : detectedFaces(raster, detector, options);
      const crops = new Uint8Array(cropped.length * CROP_BYTES);
      cropped.forEach(({ pixels }, index) => {
        crops.set(pixels, index * CROP_BYTES);
      });
      return {
        image: { width: raster.width, height: raster.height },
        faces: cropped.map(({ box, confidence, roll, crop }) => ({ box, confidence, roll, crop })),
        crops,
        timing: { decodeMs: decoded - started, detectMs: performance.now() - decoded },
      };
    },
    async warmUp() {
      detector.detect({ width: 1, height: 1, data: new Uint8Array([128, 128, 128, 255]) });
    },
    dispose() {
      disposed = true;
      detector.dispose();
    },
  };
}

/** A face with what the network sees of it, uint8 [48, 48]. */
type CroppedFace = FoundFace & { pixels: Uint8Array };

const detectedFaces = (raster: Raster, detector: FaceDetector, options: DetectOptions): CroppedFace[] =>
  detector.detect(raster, options).map((face) => {
    const { box, confidence, roll } = face;
    return { box, confidence, roll, pixels: cropFace(raster, face), crop: cropOf(face, raster) };
  });

/** The centre square as a face. */
function wholeFace(raster: Raster): CroppedFace {
  const { width, height } = raster;
  const side = Math.min(width, height);
  const box = {
    x: (width - side) / 2 / width,
    y: (height - side) / 2 / height,
    width: side / width,
    height: side / height,
  };
  return { box, confidence: 1, roll: 0, pixels: cropWhole(raster), crop: box };
}
