/**
 * Scores the faces of photos: mien predict FILE... [--json] [--model models/mien-v1] [--saliency out.png]; in a clone,
 * npm run predict -- FILE...
 *
 * A table for people, or with --json one object with the API's answer by file (npm run --silent keeps npm's
 * own lines out of it). A file that fails is reported in its place, the others go on, and the exit code is 1 in
 * the end. --saliency draws over the photo what speaks for each face's best label.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadAssets, packageRoot } from '../src/assets/node.js';
import { loadModel } from '../src/assets/node-model.js';
import { MienError } from '../src/model/errors.js';
import { createRecognizer, type Recognition, type RecognizedFace } from '../src/model/recognizer.js';
import { writeAtomically } from './lib/files.js';
import { main } from './lib/main.js';
import { drawSaliency } from './lib/overlay.js';

type Failure = { error: { code: string; message: string } };

const USAGE = 'usage: mien predict FILE... [--json] [--model models/mien-v1] [--saliency out.png]';
const BAR = 40;

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        model: { type: 'string' },
        saliency: { type: 'string' },
      },
    });
    if (values.saliency && positionals.length > 1) throw new Error('--saliency takes one photo');
    if (positionals.length > 0) return { ...values, files: positionals };
  } catch (cause) {
    throw new MienError('invalid_data', `${(cause as Error).message}\n${USAGE}`, { cause });
  }
  throw new MienError('invalid_data', `no file given\n${USAGE}`);
}

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

main(async () => {
  const { files, json, model: folder, saliency } = readArguments();
  const [assets, model] = await Promise.all([
    loadAssets(),
    loadModel(folder ?? join(packageRoot(), 'models', 'mien-v1')),
  ]);
  const recognizer = await createRecognizer({ assets, model, backend: 'wasm' });
  const results: Record<string, Recognition | Failure> = {};
  for (const file of files) {
    const result = await readFile(file)
      .then(async (bytes) => {
        const recognition = await recognizer.recognize(bytes, saliency ? { saliency: 'top' } : {});
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
});
