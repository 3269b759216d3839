import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { loadAssets, packageRoot } from '../src/assets/node.js';
import { loadModel } from '../src/assets/node-model.js';
import { MienError } from '../src/model/errors.js';
import {
  createRecognizer,
  type Recognition,
  type RecognizedFace,
  type RecognizeOptions,
} from '../src/model/recognizer.js';
import { writeAtomically } from './lib/files.js';
import { drawSaliency } from './lib/overlay.js';

interface PredictOptions {
  json?: boolean | undefined;
  /** The model's folder; the published one if it is not given. */
  model?: string | undefined;
  saliency?: string | undefined;
  maxFaces?: number | undefined;
  /** Pixels. */
  minFaceSize?: number | undefined;
  face?: RecognizeOptions['face'] | undefined;
}

const read = (file: string) => (file === '-' ? buffer(process.stdin) : readFile(file));

type Failure = { error: { code: string; message: string } };

const BAR = 40;

function failure(error: unknown): Failure {
  if (MienError.is(error)) return { error: { code: error.code, message: error.message } };
  const { code, message } = error as NodeJS.ErrnoException;
  // Only reading the file fails so; anything else is a bug and may show its stack.
  if (code === undefined) throw error;
  return { error: { code, message } };
}

/** One face: where it is, and a bar for each label. */
function faceLines(
  { box, confidence, roll, expressions }: RecognizedFace,
  index: number,
  image: Recognition['image'],
) {
  const [x, y] = [Math.round(box.x * image.width), Math.round(box.y * image.height)];
  const [width, height] = [Math.round(box.width * image.width), Math.round(box.height * image.height)];
  const place = `x ${x}, y ${y}, ${width} x ${height} px`;
  const sure = `sure ${confidence.toFixed(2)}, roll ${roll.toFixed(0)}°`;
  const bars = expressions.map(({ label, score }) => {
    const share = `${(score * 100).toFixed(1)} %`.padStart(7);
    return `    ${label.padEnd(9)}${share}  ${'█'.repeat(Math.round(score * BAR))}`.trimEnd();
  });
  return [`  face ${index + 1}: ${expressions[0]?.label}  (${place}; ${sure})`, ...bars];
}

function describe(file: string, result: Recognition | Failure): string {
  if ('error' in result) return `${file}: error: ${result.error.message}`;
  const { image, faces, timing } = result;
  const count = faces.length === 1 ? '1 face' : `${faces.length || 'no'} faces`;
  const title = `${file}: ${image.width} x ${image.height} px, ${count}, ${Math.round(timing.totalMs)} ms`;
  return [title, ...faces.flatMap((face, index) => faceLines(face, index, image))].join('\n');
}

/** @throws {MienError} */
function refuseSaliency(drawing: string, files: string[]): void {
  if (files.length > 1) throw new MienError('invalid_data', '--saliency takes one photo');
  const [target, photo] = [drawing, ...files].map(placeOf);
  if (target && target === photo)
    throw new MienError('invalid_data', `--saliency ${drawing} would overwrite the photo`);
}

/** Where a file really is; undefined where there is none. */
function placeOf(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

/**
 * Scores the faces of photos, `-` being what comes on the standard input, and prints them: a table for people, or with `json` one object with the API's answer by file.
 * A file that fails is reported in its place, the others go on, and the exit code is 1 in the end. With `saliency` a PNG is
 * written of the photo with what speaks for each face's best label drawn over it.
 * @throws {MienError} `invalid_data` where one drawing is to show several photos, or to take the photo's place
 */
export async function predict(
  files: string[],
  { json, model: folder, saliency, maxFaces, minFaceSize, face }: PredictOptions,
): Promise<void> {
  if (saliency) refuseSaliency(saliency, files);
  const [assets, model] = await Promise.all([
    loadAssets(),
    loadModel(folder ?? join(packageRoot(), 'models', 'mien-v1')),
  ]);
  const recognizer = await createRecognizer({ assets, model, backend: 'wasm' });
  const options: RecognizeOptions = {
    ...(maxFaces && { maxFaces }),
    ...(minFaceSize && { minFaceSize }),
    ...(face && { face }),
    ...(saliency && { saliency: 'top' }),
  };
  // A file may be called __proto__.
  const results: Record<string, Recognition | Failure> = Object.create(null);
  for (const file of files) {
    const result = await read(file)
      .then(async (bytes) => {
        const recognition = await recognizer.recognize(bytes, options);
        if (saliency) writeAtomically(saliency, await drawSaliency(assets.wasm, bytes, recognition));
        return recognition;
      })
      .catch(failure);
    if ('error' in result) process.exitCode = 1;
    results[file] = result;
    if (!json) console.log(describe(file, result));
  }
  if (json) console.log(JSON.stringify(results, null, 2));
  recognizer.dispose();
}
