import { CROP_SIZE } from './architecture.js';
import type { Assets } from './assets.js';
import { type BackendName, createBackend } from './backends/index.js';
import { cropFace, cropWhole } from './crop.js';
import { createFaceDetector, type DetectOptions, type Face, type FaceDetector } from './face.js';
import { createImageDecoder, type ImageDecoder, type ImageDecoderOptions, type Raster } from './image.js';
import { LABELS, type Label } from './labels.js';
import type { Classifier, ClassifyOptions, Explainer, ModelFiles, QueuedClassifier } from './model.js';
import { createClassifier } from './plan/index.js';
import { cropOf, drawEvidence, type Saliency } from './saliency.js';

const CROP_BYTES = CROP_SIZE * CROP_SIZE;

/** One label with its probability. */
export interface Expression {
  label: Label;
  /** 0 to 1; a face's seven scores sum to 1. */
  score: number;
}

export interface RecognizedFace {
  /** From eyebrows to chin, in ratios of the upright image's width and height; may reach beyond 0 to 1. */
  box: { x: number; y: number; width: number; height: number };
  /** How sure the detector is that this is a face, 0 to 1. */
  confidence: number;
  /** Angle of the line through the eyes, degrees, -180 to 180; positive is turned clockwise. */
  roll: number;
  /** All seven labels, best first. */
  expressions: Expression[];
  /** Only where it is asked for. */
  saliency?: Saliency;
}

/** What a photo's faces look like: what the API answers, field for field. */
export interface Recognition {
  /** Size of the upright image, pixels. */
  image: { width: number; height: number };
  /** Surest face first; empty where no face is found. */
  faces: RecognizedFace[];
  model: { name: string; version: string };
  backend: BackendName;
  /** Wall clock, milliseconds. Workers stop the clock while they compute, so there these stay near 0. */
  timing: { decodeMs: number; detectMs: number; inferMs: number; totalMs: number };
}

/** What a recognizer runs. */
export interface RecognizerDescription {
  model: { name: string; version: string };
  backend: BackendName;
}

export interface RecognizeOptions extends Pick<DetectOptions, 'maxFaces' | 'minFaceSize'> {
  /**
   * `auto` looks for faces; `whole` takes the picture for one: its centre square is the face, level, with confidence 1.
   * Default `auto`.
   */
  face?: 'auto' | 'whole';
  /** Whose evidence to map over each face: one label's, or each face's own best. Default nobody's. */
  saliency?: Label | 'top';
  /** Aborted when the answer is no longer wanted: what has not been computed by then is not. */
  signal?: AbortSignal;
}

export interface Recognizer {
  /**
   * Finds the faces of a photo and scores each one's expression.
   *
   * @param bytes a JPEG, PNG or WebP file
   * @throws MienError whatever `ImageDecoder.decode` throws
   */
  recognize(bytes: Uint8Array, options?: RecognizeOptions): Promise<Recognition>;
  /**
   * Scores faces that are cropped already.
   *
   * @param crops uint8 [n, 48, 48], as `cropFace` makes them
   * @returns float32 [n, 7]: probabilities in the order of LABELS
   */
  classify(crops: Uint8Array, options?: ClassifyOptions): Promise<Float32Array>;
  describe(): Promise<RecognizerDescription>;
  /** Runs both networks once, so that the first photo does not wait for their kernels and buffers. */
  warmUp(): Promise<void>;
  /** Frees the tensors of both networks. */
  dispose(): void;
}

/** The steps that a recognizer is composed of, and what it says of itself. */
export interface RecognizerParts extends RecognizerDescription {
  decoder: ImageDecoder;
  detector: FaceDetector;
  classifier: Classifier | QueuedClassifier;
  explainer: Explainer;
  /** jSquash's PNG codec: saliency maps are answered as PNG. */
  png: WebAssembly.Module;
  turn?: (() => Promise<void>) | undefined;
  /** What infers here, where the classifier may ask elsewhere first: it is what has to warm up. */
  plan?: Classifier;
}

export interface RecognizerOptions extends ImageDecoderOptions {
  assets: Assets;
  model: ModelFiles;
  backend: BackendName;
  /** Puts something before the model's classifier, such as a queue. Default nothing. */
  queue?: (classifier: Classifier, model: ModelFiles) => QueuedClassifier;
  /** Waited for before each photo, so that whoever else needs the thread has it in between. Default nothing. */
  turn?: () => Promise<void>;
}

/**
 * Makes a recognizer: starts the backend, loads the face detector and compiles the model for the backend.
 *
 * @throws MienError `backend_unavailable`, `invalid_architecture`, `invalid_weights`, or `internal` where the
 *   face detector does not load
 * @example
 * const recognizer = await createRecognizer({
 *   assets: await loadAssets(),
 *   model: await loadModel('models/mien-v1'),
 *   backend: 'wasm',
 * });
 * const { faces } = await recognizer.recognize(await readFile('photo.jpg'));
 */
export async function createRecognizer(options: RecognizerOptions): Promise<Recognizer> {
  const { assets, model, backend, queue, turn, ...decoderOptions } = options;
  const created = await createBackend(backend, assets);
  const detector = await createFaceDetector(assets.detector);
  try {
    const compiled = createClassifier(model, created);
    const classifier = queue ? queue(compiled, model) : compiled;
    const decoder = createImageDecoder(assets.wasm, decoderOptions);
    return composeRecognizer({
      decoder,
      detector,
      classifier,
      explainer: compiled,
      png: assets.wasm.png,
      turn,
      plan: compiled,
      model,
      backend,
    });
  } catch (error) {
    detector.dispose();
    throw error;
  }
}

/**
 * Puts the steps together: decode, detect, crop each face, classify all crops in one call.
 *
 * Only decoding and a queued classifier wait. Everything between is one synchronous stretch over local values,
 * so photos in work at the same time cannot mix, and two never compute on the backend at once.
 */
export function composeRecognizer(parts: RecognizerParts): Recognizer {
  const { decoder, detector, classifier, explainer, png, turn, backend } = parts;
  const model = { name: parts.model.name, version: parts.model.version };

  /** Ends before the scores are waited for, so that no picture is kept in memory meanwhile. */
  async function findFaces(bytes: Uint8Array, { face, signal, ...options }: RecognizeOptions) {
    await turn?.();
    signal?.throwIfAborted();
    const started = performance.now();
    const raster = await decoder.decode(bytes);
    signal?.throwIfAborted();
    const decoded = performance.now();
    const faces =
      face === 'whole' ? [wholeFace(raster)] : croppedFaces(raster, detector.detect(raster, options));
    const detected = performance.now();
    const image = { width: raster.width, height: raster.height };
    const crops = new Uint8Array(faces.length * CROP_BYTES);
    faces.forEach(({ pixels }, index) => {
      crops.set(pixels, index * CROP_BYTES);
    });
    return { image, faces, crops, started, decoded, detected };
  }

  /** The same faces, each with its map. */
  function explained(
    recognized: RecognizedFace[],
    faces: readonly CroppedFace[],
    crops: Uint8Array,
    wanted: Label | 'top',
  ): RecognizedFace[] {
    const labels = recognized.map(({ expressions }) =>
      wanted === 'top' ? (expressions[0] as Expression).label : wanted,
    );
    const { side, values } = explainer.evidence(
      crops,
      labels.map((label) => LABELS.indexOf(label)),
    );
    return recognized.map((face, index) => ({
      ...face,
      saliency: {
        label: labels[index] as Label,
        image: drawEvidence(png, values.subarray(index * side * side, (index + 1) * side * side), side),
        crop: (faces[index] as CroppedFace).crop,
      },
    }));
  }

  return {
    async recognize(bytes, options = {}) {
      const { image, faces, crops, started, decoded, detected } = await findFaces(bytes, options);
      let computedBy = backend;
      const asked = {
        ...(options.signal && { signal: options.signal }),
        computedBy: (name: BackendName) => {
          computedBy = name;
        },
      };
      const scores = faces.length > 0 ? await classifier.classify(crops, asked) : new Float32Array();
      const recognized = faces.map(({ box, confidence, roll }, index) => ({
        box,
        confidence,
        roll,
        expressions: ranked(scores.subarray(index * LABELS.length, (index + 1) * LABELS.length)),
      }));
      const answered = options.saliency ? explained(recognized, faces, crops, options.saliency) : recognized;
      const ended = performance.now();
      return {
        image,
        faces: answered,
        model,
        backend: computedBy,
        timing: {
          decodeMs: milliseconds(decoded - started),
          detectMs: milliseconds(detected - decoded),
          inferMs: milliseconds(ended - detected),
          totalMs: milliseconds(ended - started),
        },
      };
    },
    async classify(crops, options = {}) {
      return classifier.classify(crops, options);
    },
    async describe() {
      return { model, backend };
    },
    async warmUp() {
      detector.detect({ width: 1, height: 1, data: new Uint8Array([128, 128, 128, 255]) });
      await (parts.plan ?? classifier).classify(new Uint8Array(CROP_BYTES).fill(128));
    },
    dispose() {
      detector.dispose();
      classifier.dispose();
    },
  };
}

/** A face with what the network sees of it. */
interface CroppedFace extends Pick<RecognizedFace, 'box' | 'confidence' | 'roll'> {
  /** uint8 [48, 48]. */
  pixels: Uint8Array;
  crop: Saliency['crop'];
}

const croppedFaces = (raster: Raster, faces: readonly Face[]): CroppedFace[] =>
  faces.map((face) => ({ ...face, pixels: cropFace(raster, face), crop: cropOf(face, raster) }));

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

/** Labels with their scores, best first; equal scores keep the order of LABELS. */
function ranked(scores: Float32Array): Expression[] {
  return LABELS.map((label, index) => ({ label, score: scores[index] as number })).sort(
    (one, other) => other.score - one.score,
  );
}

/** To the microsecond, the most that the clock resolves. */
const milliseconds = (duration: number) => Math.round(duration * 1000) / 1000;
