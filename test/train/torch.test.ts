/** The torch engine against the TypeScript that describes it. Needs a Python with torch: npm run setup:torch. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPython, TORCH_ENGINE } from '../../scripts/lib/python.js';
import { writeDataSet } from '../../scripts/train/data/pack.js';
import { loadAssets } from '../../src/assets/node.js';
import { formatArchitecture } from '../../src/model/architecture.js';
import { createBackend } from '../../src/model/backends/index.js';
import { enlarge } from '../../src/model/enlarge.js';
import { parameterShapes } from '../../src/model/parameters.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { table1 } from '../../src/model/table1.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/model/weights.js';
import { generatedFaces } from '../support/faces.js';
import { livelyWeights } from '../support/networks.js';

const python = findPython();
if (!python) console.warn('skipped: the torch engine; no Python has torch (npm run setup:torch installs it)');

const folder = mkdtempSync(join(tmpdir(), 'mien-torch-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs Python with the engine's modules importable. */
function run(code: string, input?: Uint8Array): Buffer {
  const { status, stdout, stderr } = spawnSync(python as string, ['-c', code], {
    input: input ?? new Uint8Array(),
    maxBuffer: 1 << 28,
    env: { ...process.env, PYTHONPATH: TORCH_ENGINE },
  });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

describe.skipIf(!python)('the torch network', () => {
  it.each([
    ['paper', table1({ side: 384, rates: [6, 12, 18] })],
    ['ungrouped, without attention', table1({ side: 48, groups: 1, rates: null })],
    ['plain and narrow', table1({ side: 48, width: 0.5, factorised: false, groups: 1 })],
    ['mixed', table1({ side: 48, mixAfter: [5, 10, 14] })],
  ])('has the parameters that the weights file holds: %s', (name, arch) => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, formatArchitecture(arch));
    const shapes = JSON.parse(
      run(`
import json
from network import Network, tensors_of
network = Network(json.load(open(${JSON.stringify(file)})))
print(json.dumps({name: list(tensor.shape) for name, tensor in tensors_of(network).items()}))`).toString(),
    );
    expect(shapes).toEqual(Object.fromEntries(parameterShapes(arch)));
  });
});

describe.skipIf(!python)('torch’s probabilities', () => {
  it.each([
    ['plain', table1({ side: 32, factorised: false, groups: 1, dilations: [1, 2, 3, 4] })],
    ['mixed, wide', table1({ side: 32, width: 1.5, mixAfter: [5, 10, 14] })],
  ])('are the plan’s: %s', async (name, arch) => {
    const bytes = encodeSafetensors(livelyWeights(arch));
    const [description, file] = [join(folder, `${name}.json`), join(folder, `${name}.safetensors`)];
    writeFileSync(description, formatArchitecture(arch));
    writeFileSync(file, bytes);
    const crops = Uint8Array.from({ length: 3 * 48 * 48 }, (_, i) => (i * i * 31) % 251);
    const script = join(TORCH_ENGINE, 'classify.py');
    const options = [script, '--architecture', description, '--weights', file];
    const { stdout } = spawnSync(python as string, options, { input: crops, maxBuffer: 1 << 28 });
    const theirs = new Float32Array(new Uint8Array(stdout).buffer);

    const backend = await createBackend('wasm', await loadAssets());
    const architecture = JSON.parse(formatArchitecture(arch));
    const classifier = createClassifier({ name, version: '0', architecture, weights: bytes }, backend);
    const ours = classifier.classify(crops);
    classifier.dispose();
    expect(theirs).toHaveLength(ours.length);
    expect(Math.max(...ours.map((value, i) => Math.abs(value - (theirs[i] as number))))).toBeLessThan(1e-5);
  });
});

describe.skipIf(!python)('augmentation', () => {
  it('changes nothing but the size when every option is zero', () => {
    const crops = Uint8Array.from({ length: 2 * 48 * 48 }, (_, i) => (i * 31) % 251);
    const warped = run(
      `
import sys, numpy, torch, augment
crops = torch.tensor(numpy.frombuffer(sys.stdin.buffer.read(), numpy.uint8).reshape(-1, 1, 48, 48))
names = "rotation scale shift horizontalFlip verticalFlip brightness contrast erasing".split()
sys.stdout.buffer.write(augment.augment(crops, 96, dict.fromkeys(names, 0)).numpy().tobytes())`,
      crops,
    );
    const theirs = new Float32Array(new Uint8Array(warped).buffer);
    const ours = enlarge(crops, 96);
    // grid_sample finds the places in float32 ratios of the side: 96 × 2⁻²⁴ of a pixel, times 255 grey levels.
    expect(Math.max(...ours.map((value, i) => Math.abs(value - (theirs[i] as number))))).toBeLessThan(5e-3);
  });

  it('changes the picture when an option is not zero', () => {
    const changes = JSON.parse(
      run(`
import json, torch, augment
names = "rotation scale shift horizontalFlip verticalFlip brightness contrast erasing".split()
crops = (torch.arange(48 * 48) % 97).byte().view(1, 1, 48, 48).repeat(8, 1, 1, 1)
def changed(name):
    torch.manual_seed(0)
    options = dict.fromkeys(names, 0) | {name: 10 if name == "rotation" else 0.5}
    return (augment.augment(crops, 48, options) - crops.float()).abs().max().item()
print(json.dumps({name: changed(name) for name in names}))`).toString(),
    );
    for (const [name, change] of Object.entries(changes)) expect(change, name).toBeGreaterThan(5);
  });
});

describe.skipIf(!python)('training', () => {
  const data = join(folder, 'faces');
  beforeAll(() => {
    writeDataSet(data, 'generated', generatedFaces(224));
  });

  const engine = (name: string, ...more: string[]): ChildProcess => {
    const config = join('scripts', 'train', 'configs', 'smoke.json');
    const options = ['--config', config, '--data', data, '--run', join(folder, name), ...more];
    return spawn(process.execPath, ['--import', 'tsx', join('scripts', 'train', 'train.ts'), ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // One thread: two that share their cores with other tests spend their time waiting for each other.
      env: { ...process.env, OMP_NUM_THREADS: '1' },
      detached: true,
    });
  };
  const ended = (child: ChildProcess) => new Promise((done) => child.on('close', done));
  const weights = (name: string) => decodeSafetensors(readFileSync(join(folder, name, 'last.safetensors')));

  it('learns, and ends with the same weights when it is killed and resumed', async () => {
    expect(await ended(engine('whole'))).toBe(0);
    const history = readFileSync(join(folder, 'whole', 'history.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(history.map(({ epoch, side }) => [epoch, side])).toEqual([
      [1, 16],
      [2, 16],
      [3, 24],
      [4, 24],
    ]);
    expect(history[3].loss).toBeLessThan(history[0].loss);

    const killed = engine('killed');
    await new Promise<void>((done) => {
      killed.stdout?.on('data', (text: Buffer) => {
        if (text.toString().includes('epoch 2')) done();
      });
    });
    process.kill(-(killed.pid as number), 'SIGKILL');
    expect(await ended(killed)).not.toBe(0);
    expect(await ended(engine('killed', '--resume'))).toBe(0);
    expect(weights('killed')).toEqual(weights('whole'));
  }, 240_000);

  it('does not overwrite a run', async () => {
    expect(await ended(engine('whole'))).toBe(1);
  });
});
