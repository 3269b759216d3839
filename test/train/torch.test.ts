/** The torch engine's networks against the TypeScript that describes them. Needs a Python with torch: npm run setup:torch. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TORCH_ENGINE } from '../../scripts/lib/python.js';
import { type Baseline, formatBaseline } from '../../scripts/train/baseline.js';
import { loadAssets } from '../../src/assets/node.js';
import { formatArchitecture } from '../../src/model/architecture.js';
import { createBackend } from '../../src/model/backends/index.js';
import { type Cost, networkCost } from '../../src/model/cost.js';
import { parameterShapes } from '../../src/model/parameters.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { table1 } from '../../src/model/table1.js';
import { encodeSafetensors } from '../../src/model/weights.js';
import { livelyWeights } from '../support/networks.js';
import { python, runPython } from '../support/training.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-torch-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ARCHITECTURES = {
  paper: table1({ side: 384, rates: [6, 12, 18] }),
  'ungrouped, without attention': table1({ side: 48, groups: 1, rates: null }),
  'plain and narrow': table1({ side: 48, width: 0.5, factorised: false, groups: 1 }),
  mixed: table1({ side: 48, mixAfter: [5, 10, 14] }),
  'without class maps': table1({ side: 48, head: { maps: false, features: true, dropout: 0 } }),
};

describe.skipIf(!python)('the torch network', () => {
  const ours = Object.values(ARCHITECTURES);
  const fields = { side: 48, width: 8, dropout: 0 } as const;
  const baselines: Baseline[] = [
    { baseline: 'resnet', stem: 2, ...fields },
    { baseline: 'parallel', ...fields },
  ];
  let shapes: Record<string, number[]>[] = [];
  let costs: Cost[] = [];

  beforeAll(() => {
    const descriptions = [...ours.map(formatArchitecture), ...baselines.map(formatBaseline)];
    const code = `
import json, sys
from build import build
from cost import cost
from network import tensors_of
descriptions = [json.loads(text) for text in json.load(sys.stdin)]
shapes = [{name: list(tensor.shape) for name, tensor in tensors_of(build(d)).items()} for d in descriptions]
print(json.dumps([shapes, [cost(d, d["side"]) for d in descriptions]]))`;
    [shapes, costs] = JSON.parse(runPython(code, Buffer.from(JSON.stringify(descriptions))).toString());
  }, 60_000);

  it('has the parameters that the weights file holds', () => {
    expect(shapes.slice(0, ours.length)).toEqual(
      ours.map((arch) => Object.fromEntries(parameterShapes(arch))),
    );
  });

  it('costs what src/model/cost.ts counts', () => {
    expect(costs.slice(0, ours.length)).toEqual(ours.map((arch) => ({ ...networkCost(arch) })));
  });

  it('of a baseline costs what is counted by hand', () => {
    // ResNet, stem of stride 2: grids 24, 24, 12, 6, 3; channels 8, 8, 16, 32, 64; the shortcut is 1×1.
    const [resnet, parallel] = costs.slice(ours.length) as [Cost, Cost];
    const stage = (c: number, grid: number) => grid ** 2 * ((9 * c * c) / 2 + 3 * 9 * c * c + (c * c) / 2);
    expect(resnet.macs).toBe(
      24 ** 2 * 9 * 8 + 24 ** 2 * 4 * 9 * 64 + stage(16, 12) + stage(32, 6) + stage(64, 3) + 64 * 7,
    );
    // Parallel branches: 9 + 25 + 49 taps, and the pool comes after.
    const layer = (i: number, o: number, grid: number) => grid ** 2 * i * (o / 3) * 83;
    expect(parallel.macs).toBe(
      layer(1, 24, 48) + layer(24, 48, 24) + layer(48, 96, 12) + layer(96, 192, 6) + 192 * 7,
    );
    const norms = (channels: number) => 2 * channels;
    expect(parallel.parameters).toBe(
      83 * (8 + 24 * 16 + 48 * 32 + 96 * 64) + norms(24 + 48 + 96 + 192) + 192 * 7 + 7,
    );
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
