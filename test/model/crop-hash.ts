/** Prints the hash of the photo's crop: run by crop.test.ts in a process of its own. */
import { createHash } from 'node:crypto';
import { loadAssets } from '../../src/assets/node.js';
import { createBackend } from '../../src/model/backends/index.js';
import { cropFace } from '../../src/model/crop.js';
import { createFaceDetector } from '../../src/model/face.js';
import { createImageDecoder } from '../../src/model/image.js';
import { astronautBytes } from '../support/pictures.js';

const assets = await loadAssets();
await createBackend('wasm', assets);
const raster = await createImageDecoder(assets.wasm).decode(astronautBytes());
const [face] = (await createFaceDetector(assets)).detect(raster);
if (!face) throw new Error('no face');
process.stdout.write(createHash('sha256').update(cropFace(raster, face)).digest('hex'));
