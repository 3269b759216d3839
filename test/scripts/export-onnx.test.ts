import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findPeer } from '../../scripts/bench/peers.js';
import { onnxRuntime } from '../../scripts/bench/subjects/onnxruntime.js';
import { sampleCrops } from '../../scripts/lib/sample-crops.js';
import { exportOnnx } from '../../scripts/onnx/export.js';
import { decodeOnnx, type OnnxModel } from '../../scripts/onnx/schema.js';
import { loadAssets, packageRoot } from '../../src/assets/node.js';
import { loadModel } from '../../src/assets/node-model.js';
import {
  type Architecture,
  computedRows,
  formatArchitecture,
  parseArchitecture,
} from '../../src/model/architecture.js';
import { createBackend } from '../../src/model/backends/index.js';
import { rowCosts } from '../../src/model/cost.js';
import type { ModelFiles } from '../../src/model/model.js';
import { createClassifier } from '../../src/model/plan/index.js';
import { table1 } from '../../src/model/table1.js';
import { decodeSafetensors, encodeSafetensors, type Weights } from '../../src/model/weights.js';
import { livelyWeights } from '../support/networks.js';

const root = packageRoot();
const scratch = mkdtempSync(join(tmpdir(), 'mien-onnx-'));
let published: ModelFiles;
let crops: Uint8Array;
beforeAll(async () => {
  crops = sampleCrops(8, join(root, 'data/fer2013'));
  published = await loadModel(join(root, 'models/mien-v1'));
}, 60_000);
afterAll(() => rmSync(scratch, { recursive: true }));

const filesOf = (architecture: Architecture, weights: Weights): ModelFiles => ({
  name: 'test',
  version: '0.0.0',
  architecture: JSON.parse(formatArchitecture(architecture)),
  weights: encodeSafetensors(weights),
});

/** All values of a graph, each defined once, and before it is used. */
function valuesOf({ graph }: OnnxModel): Set<string> {
  const known = new Set(['']);
  const define = (name: string) => {
    expect(known).not.toContain(name);
    known.add(name);
  };
  for (const { name } of [...graph.input, ...graph.initializer]) define(name);
  for (const { input, output } of graph.node) {
    for (const name of input) expect(known, name).toContain(name);
    output.forEach(define);
  }
  return known;
}

describe('npm run export-onnx', () => {
  let model: OnnxModel;
  beforeAll(() => {
    const out = join(scratch, 'mien.onnx');
    const command = ['--import', 'tsx', 'scripts/export-onnx.ts', '--out', out];
    expect(execFileSync(process.execPath, command, { cwd: root, encoding: 'utf8' })).toMatch(
      /: \d+ bytes\n$/,
    );
    model = decodeOnnx(readFileSync(out));
  }, 60_000);

  test('takes and gives what /v2/models/mien/infer does, and says what it is', () => {
    const { input, output } = model.graph;
    const shapes = [...input, ...output].map(({ name, type: { tensorType } }) => [
      name,
      tensorType.elemType,
      tensorType.shape.dim.map(({ dimValue, dimParam }) => dimParam ?? dimValue),
    ]);
    expect(shapes).toEqual([
      ['crops', 2, ['n', 48, 48, 1]],
      ['scores', 1, ['n', 7]],
    ]);
    expect(model.opsetImport).toEqual([{ version: 18 }]);
    expect(Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]))).toEqual({
      name: 'mien-v1',
      version: published.version,
      labels: 'angry,disgust,fear,happy,sad,surprise,neutral',
    });
  });

  test('has the grouped convolutions as such, batch norm folded, and every parameter', () => {
    const { node, initializer } = model.graph;
    const groups = node
      .filter(({ opType }) => opType === 'Conv')
      .map(({ attribute }) => attribute.find(({ name }) => name === 'group')?.i);
    const architecture = parseArchitecture(published.architecture);
    const computed = architecture.rows.slice(0, computedRows(architecture));
    const grouped = computed.flatMap((row) => ('groups' in row ? [row.groups] : []));
    expect(grouped.length).toBeGreaterThan(10);
    expect(groups.filter((count) => (count ?? 1) > 1)).toEqual(
      grouped.flatMap((count) => Array(4).fill(count)),
    );
    expect(node.some(({ opType }) => opType === 'BatchNormalization')).toBe(false);
    // Of a norm's weight and bias the bias remains: the convolution's own.
    const values = initializer.reduce((sum, { dims }) => sum + dims.reduce((a, b) => a * b, 1), 0);
    const costs = rowCosts(architecture);
    const parameters = [...computed.map((row) => row.name), 'head'].reduce(
      (sum, name) => sum + (costs.get(name)?.parameters ?? 0),
      0,
    );
    expect(values).toBeGreaterThan(parameters * 0.99);
    expect(values).toBeLessThan(parameters);
  });

  test('every value is defined before it is used', () => {
    expect(valuesOf(model)).toContain('scores');
  });

  test.each(['crops', 'input', 'logits', 'scores', 'layer'])('a row may be called %s', (name) => {
    const { rows, ...rest } = table1({ side: 48 });
    // The first is a downsampler, the other an attention: the graph has values of their very names.
    for (const index of [0, rows.findIndex(({ block }) => block === 'attention')]) {
      const architecture = { ...rest, rows: rows.map((row, at) => (at === index ? { ...row, name } : row)) };
      valuesOf(decodeOnnx(exportOnnx(filesOf(architecture, livelyWeights(architecture)))));
    }
  });
});

for (const runtime of ['onnxruntime-web', 'onnxruntime-node'] as const)
  describe.skipIf(!findPeer(runtime))(`in ${runtime}, where npm run setup:bench has put it`, () => {
    const byRuntime = async (model: ModelFiles) =>
      (await onnxRuntime(runtime, exportOnnx(model), 1)).classify(crops);
    const byPlan = async (model: ModelFiles) => {
      const classifier = createClassifier(model, await createBackend('wasm', await loadAssets()));
      const scores = classifier.classify(crops);
      classifier.dispose();
      return scores;
    };
    const largest = (a: Float32Array, b: Float32Array) =>
      a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);

    /** Largest difference between a crop's logits and the next one's. */
    const spreadOf = (scores: Float32Array) => {
      const logits = scores.map(Math.log);
      return largest(logits.subarray(7), logits);
    };

    test('the published model gives the probabilities of the wasm plan', async () => {
      const scores = await byRuntime(published);
      expect(scores).toHaveLength(8 * 7);
      // float32 sums in another order, through 40 layers: 1e-6 is what is seen.
      expect(largest(await byPlan(published), scores)).toBeLessThan(1e-5);

      // The control: one kernel of the 81 mirrored top to bottom.
      const weights = decodeSafetensors(published.weights);
      const { shape, data } = weights.get('m9.conv1.weight') as {
        shape: readonly number[];
        data: Float32Array;
      };
      expect(shape.slice(2)).toEqual([3, 1]);
      const mirrored = data.map((_, i) => data[i - (i % 3) + (2 - (i % 3))] as number);
      weights.set('m9.conv1.weight', { shape, data: mirrored });
      const control = await byRuntime({ ...published, weights: encodeSafetensors(weights) });
      expect(largest(scores, control)).toBeGreaterThan(1e-3);
    });

    test.each([
      [
        'plain, without attention',
        table1({ side: 40, width: 0.5, factorised: false, groups: 1, rates: null }),
      ],
      ['mixed, narrow', table1({ side: 56, width: 0.5, mixAfter: [5, 10, 22] })],
      ['of class maps alone', table1({ side: 32, head: { maps: true, features: false, dropout: 0 } })],
      [
        'of features alone',
        table1({ side: 32, width: 0.5, head: { maps: false, features: true, dropout: 0 } }),
      ],
    ])('a network that is %s', async (_, architecture) => {
      const weights = livelyWeights(architecture);
      const rough = spreadOf(await byPlan(filesOf(architecture, weights)));
      // The logits are linear in these, so that the crops' logits are now about 1 apart.
      for (const name of ['head.weight', 'm23.conv.weight']) {
        const weight = weights.get(name);
        if (weight) weights.set(name, { ...weight, data: weight.data.map((value) => value / rough) });
      }
      const model = filesOf(architecture, weights);
      const [ours, theirs] = [await byPlan(model), await byRuntime(model)];
      expect(spreadOf(ours)).toBeGreaterThan(0.5); // the control: another crop's scores would be seen
      expect(largest(ours, theirs)).toBeLessThan(1e-4);
    });
  });
