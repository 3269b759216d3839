import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import ts from 'typescript';
import { packageRoot } from '../../src/assets/node.js';
import { loadModel } from '../../src/assets/node-model.js';
import { MienError } from '../../src/model/errors.js';
import { modelModule } from './model-module.js';
import { refuseForeign, replaceFolder } from './own-folder.js';

export interface WorkerBundleOptions {
  /** Folder to write to: a new one, or one of an earlier bundle, which is replaced. */
  out: string;
  /** The model's folder. Default wrangler.jsonc's, models/mien-v1. */
  model?: string;
  /** The module to bundle. Default wrangler.jsonc's, src/handlers/worker.ts. */
  entry?: string;
}

export interface WorkerModule {
  name: string;
  type: 'ESModule' | 'CompiledWasm' | 'Text' | 'Data';
  bytes: number;
  /** At gzip's level 9. */
  gzipBytes: number;
}

const TYPES: Record<string, WorkerModule['type']> = { js: 'ESModule', wasm: 'CompiledWasm', html: 'Text' };

/**
 * Bundles the Worker as `wrangler deploy` does, and uploads nothing.
 *
 * @returns what would be uploaded, the entry first
 * @throws MienError where the model is missing or broken, or the folder holds something else; `internal` with wrangler's
 *   complaint
 */
export async function bundleWorker(options: WorkerBundleOptions): Promise<WorkerModule[]> {
  const out = resolve(options.out);
  // Not wrangler.json, which a Worker's sources have as well.
  refuseForeign(out, `${basename(options.entry ?? 'worker.ts', '.ts')}.js.map`);
  await loadModel(options.model ?? join(packageRoot(), 'models', 'mien-v1'));
  await replaceFolder(out, async (beside) => runWrangler(beside, writeConfig({ ...options, out: beside })));
  // It names files of the folder, which had another name until now.
  writeConfig(options);
  return readModules(out);
}

function writeConfig(options: WorkerBundleOptions): string {
  const file = join(resolve(options.out), 'wrangler.json');
  writeFileSync(file, JSON.stringify(derivedConfig(options)));
  return file;
}

async function runWrangler(out: string, config: string): Promise<void> {
  const wrangler = createRequire(import.meta.url).resolve('wrangler/bin/wrangler.js');
  const command = [wrangler, 'deploy', '--dry-run', '--outdir', out, '--config', config];
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG: 'error', NO_COLOR: '1' };
  try {
    await promisify(execFile)(process.execPath, command, { cwd: packageRoot(), env });
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string };
    throw new MienError('internal', `The Worker does not build: ${stderr || message}`, { cause });
  }
}

interface Config {
  main: string;
  alias: Record<string, string>;
  assets: { directory: string };
}

/** wrangler.jsonc with absolute paths and the options put in: its aliases cannot be changed on the command line. */
function derivedConfig({ out, model, entry }: WorkerBundleOptions): Config {
  const root = packageRoot();
  const file = join(root, 'wrangler.jsonc');
  const config: Config = ts.parseConfigFileTextToJson(file, readFileSync(file, 'utf8')).config;
  const files = model ? modelModule(resolve(out), model) : join(root, config.alias['@mien/model'] as string);
  return {
    ...config,
    main: entry ? resolve(entry) : join(root, config.main),
    alias: { ...config.alias, '@mien/model': files },
    assets: { ...config.assets, directory: join(root, config.assets.directory) },
  };
}

function readModules(folder: string): WorkerModule[] {
  const names = readdirSync(folder).filter((name) => /\.(js|wasm|html|bin|safetensors)$/.test(name));
  return names
    .map((name): WorkerModule => {
      const content = readFileSync(join(folder, name));
      const type = TYPES[name.split('.').pop() as string] ?? 'Data';
      return { name, type, bytes: content.length, gzipBytes: gzipSync(content, { level: 9 }).length };
    })
    .sort((one, other) => Number(other.type === 'ESModule') - Number(one.type === 'ESModule'));
}
