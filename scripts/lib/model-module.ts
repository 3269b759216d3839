import { writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const FILES = { architecture: 'architecture.json', metrics: 'metrics.json', weights: 'weights.safetensors' };

/**
 * Writes a module that imports a model's files, as src/assets/bundled-model.js does for the published one.
 *
 * @param folder where to write it
 * @param model the model's folder; its last part is the model's name
 * @returns its path, for `@mien/model` to stand for
 */
export function modelModule(folder: string, model: string): string {
  const imports = Object.entries(FILES).map(
    ([name, file]) => `import ${name} from ${JSON.stringify(join(resolve(model), file))};`,
  );
  const name = JSON.stringify(basename(resolve(model)));
  const path = join(folder, 'model.mjs');
  writeFileSync(
    path,
    `${imports.join('\n')}\nexport default { name: ${name}, ${Object.keys(FILES).join(', ')} };\n`,
  );
  return path;
}
