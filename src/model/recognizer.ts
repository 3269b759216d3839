import { othersTurn } from '../others-turn.js';
import { CROP_SIZE } from './architecture.js';
import type { Assets } from './assets.js';
import { currentBackend, makeCurrent } from './backends/current.js';
import { type BackendName, createBackend } from './backends/index.js';
import { MienError } from './errors.js';
import { createFaceDetector } from './face.js';
import { createFinder, type FaceFinder, type FindOptions, type FoundFace } from './finder.js';
import { createImageDecoder, type ImageDecoderOptions } from './image.js';
import { LABELS, type Label } from './labels.js';
import type {
  Classifier,
  ClassifyOptions,
  Evidence,
  Explainer,
  ModelFiles,
  QueuedClassifier,
} from './model.js';
import { bytesOf, type Photo } from './photo.js';
import { createClassifier } from './plan/index.js';
import { drawEvidence, type Saliency } from './saliency.js';
import type { WasmModule } from './wasm-module.js';

/** One label with its probability. */
export interface Expression {
  label: Label;
  /** 0 to 1; a face's seven scores sum to 1. */
  score: number;
}

export interface RecognizedFace extends Omit<FoundFace, 'crop'> {
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

export interface RecognizeOptions extends FindOptions {
  /** Whose evidence to map over each face: one label's, or each face's own best. Default nobody's. */
  saliency?: Label | 'top';
}

export interface Recognizer {
  /**
   * Finds the faces of a photo and scores each one's expression.
   *
   * @throws MienError whatever `ImageDecoder.decode` and `bytesOf` throw, `invalid_request` where an option has no such value,
   *   `not_ready` once it is disposed of; the signal's reason once it is aborted
   */
  recognize(photo: Photo, options?: RecognizeOptions): Promise<Recognition>;
  /**
   * Scores faces that are cropped already.
   *
   * @param crops uint8 [n, 48, 48], as `cropFace` makes them
   * @returns float32 [n, 7]: probabilities in the order of LABELS
   * @throws MienError `invalid_image` where the bytes are no whole number of crops, `not_ready` once it is disposed of; the
   *   signal's reason where it is aborted
   */
  classify(crops: Uint8Array, options?: ClassifyOptions): Promise<Float32Array>;
  describe(): Promise<RecognizerDescription>;
  /** Runs both networks once, so that the first photo does not wait for their kernels and buffers. */
  warmUp(): Promise<void>;
  /** Frees the tensors of both networks, once. Whoever still waits for an answer may be refused it. */
  dispose(): void;
}

/** What a recognizer is composed of, and what it says of itself. */
export interface RecognizerParts extends RecognizerDescription {
  finder: FaceFinder;
  classifier: Classifier | QueuedClassifier;
  /** An `Explainer`, or one that is waited for. */
  explainer: { evidence(...asked: Parameters<Explainer['evidence']>): Evidence | Promise<Evidence> };
  /** jSquash's PNG codec: saliency maps are answered as PNG. */
  png: WasmModule;
  /** Runs the network once where it computes here; the classifier may ask elsewhere first. */
  warmUp(): Promise<void>;
}

export interface RecognizerOptions extends ImageDecoderOptions {
  assets: Assets;
  model: ModelFiles;
  backend: BackendName;
  /** Puts something before the model's classifier, such as a queue. Default nothing. */
  queue?: (classifier: Classifier, model: ModelFiles) => QueuedClassifier;
}

/**
 * Makes a recognizer: starts the backend, loads the face detector and compiles the model for the backend. An app of tfjs's
 * own keeps the backend that it has made current, but for the time that this takes.
 *
 * @throws MienError `invalid_request` where there is no such backend or `maxPixels` is no number above 0, `backend_unavailable`, `invalid_architecture`,
 *   `invalid_weights`, or `internal` where the face detector does not load
 * @example
 * const recognizer = await createRecognizer({
 *   assets: await loadAssets(),
 *   model: await loadModel('models/mien-v1'),
 *   backend: 'wasm',
 * });
 * const { faces } = await recognizer.recognize(await readFile('photo.jpg'));
 */
export async function createRecognizer(options: RecognizerOptions): Promise<Recognizer> {
  const restore = currentBackend();
  try {
    return await assemble(options);
  } finally {
    restore();
  }
}

async function assemble({
  assets,
  model,
  backend,
  queue,
  ...decoderOptions
}: RecognizerOptions): Promise<Recognizer> {
  const decoder = createImageDecoder(assets.wasm, decoderOptions);
  const created = await createBackend(backend, assets);
  makeCurrent(created.engineName);
  const detector = await createFaceDetector(assets);
  try {
    const compiled = createClassifier(model, created);
    return composeRecognizer({
      finder: createFinder(decoder, detector),
      classifier: queue ? queue(compiled, model) : compiled,
      explainer: compiled,
      png: assets.wasm.png,
      warmUp: async () => {
        compiled.classify(ANY_CROP);
      },
      model,
      backend,
    });
  } catch (error) {
    detector.dispose();
    throw error;
  }
}

/** The recognizer, warmed up; disposed of where that fails. */
export async function warmedUp(recognizer: Recognizer): Promise<Recognizer> {
  try {
    await recognizer.warmUp();
    return recognizer;
  } catch (error) {
    recognizer.dispose();
    throw error;
  }
}

/** What a network is warmed up with. */
export const ANY_CROP = new Uint8Array(CROP_SIZE * CROP_SIZE).fill(128);

/**
 * Puts the steps together: find and crop the faces, classify all crops in one call. What a photo needs stays in local
 * values, so that photos in work at the same time cannot mix.
 */
export function composeRecognizer(parts: RecognizerParts): Recognizer {
  const { finder, classifier, explainer, png, backend } = parts;
  const model = { name: parts.model.name, version: parts.model.version };
  let disposed = false;

  function checkAlive(): void {
    if (disposed) throw new MienError('not_ready', 'The recognizer has been disposed of.');
  }

  /** The same faces, each with its map. */
  async function explained(
    recognized: RecognizedFace[],
    faces: readonly FoundFace[],
    crops: Uint8Array,
    wanted: Label | 'top',
  ): Promise<RecognizedFace[]> {
    checkAlive();
    const labels = recognized.map(({ expressions }) =>
      wanted === 'top' ? (expressions[0] as Expression).label : wanted,
    );
    const { side, values } = await explainer.evidence(
      crops,
      labels.map((label) => LABELS.indexOf(label)),
    );
    const drawn: RecognizedFace[] = [];
    for (const [index, face] of recognized.entries()) {
      // A map takes some milliseconds to draw, and there may be a hundred.
      await othersTurn();
      const label = labels[index] as Label;
      const image = drawEvidence(png, values.subarray(index * side * side, (index + 1) * side * side), side);
      drawn.push({ ...face, saliency: { label, image, crop: (faces[index] as FoundFace).crop } });
    }
    return drawn;
  }

  return {
    async recognize(photo, options = {}) {
      checkAlive();
      checkOptions(options);
      const { saliency, ...find } = options;
      const bytes = await bytesOf(photo);
      checkAlive();
      const { image, faces, crops, timing } = await finder.find(bytes, find);
      checkAlive();
      const found = performance.now();
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
      const answered = saliency ? await explained(recognized, faces, crops, saliency) : recognized;
      const inferMs = performance.now() - found;
      return {
        image,
        faces: answered,
        model,
        backend: computedBy,
        timing: {
          decodeMs: milliseconds(timing.decodeMs),
          detectMs: milliseconds(timing.detectMs),
          inferMs: milliseconds(inferMs),
          totalMs: milliseconds(timing.decodeMs + timing.detectMs + inferMs),
        },
      };
    },
    async classify(crops, options = {}) {
      checkAlive();
      if (!(crops instanceof Uint8Array))
        throw new MienError('invalid_request', 'Crops are a Uint8Array, 48×48 bytes each.');
      options.signal?.throwIfAborted();
      return classifier.classify(crops, options);
    },
    async describe() {
      return { model, backend };
    },
    async warmUp() {
      checkAlive();
      await Promise.all([finder.warmUp(), parts.warmUp()]);
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      finder.dispose();
      classifier.dispose();
    },
  };
}

/** Callers without types may hand over anything. */
function checkOptions({
  maxFaces = 1,
  minFaceSize = 1,
  face = 'auto',
  saliency = 'top',
}: RecognizeOptions): void {
  const rules: [holds: boolean, rule: string][] = [
    [Number.isInteger(maxFaces) && maxFaces > 0, 'maxFaces must be a whole number above 0'],
    [Number.isFinite(minFaceSize) && minFaceSize > 0, 'minFaceSize must be a number above 0'],
    [['auto', 'whole'].includes(face), 'face must be auto or whole'],
    [['top', ...LABELS].includes(saliency), `saliency must be top or one of ${LABELS.join(', ')}`],
  ];
  const broken = rules.filter(([holds]) => !holds).map(([, rule]) => rule);
  if (broken.length > 0) throw new MienError('invalid_request', `${broken.join('; ')}.`);
}

/** Labels with their scores, best first; equal scores keep the order of LABELS. */
function ranked(scores: Float32Array): Expression[] {
  return LABELS.map((label, index) => ({ label, score: scores[index] as number })).sort(
    (one, other) => other.score - one.score,
  );
}

/** To the microsecond, the most that the clock resolves. */
const milliseconds = (duration: number) => Math.round(duration * 1000) / 1000;
