import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { type ModelMetrics, modelCard } from '../../scripts/train/model-card.js';
import { aboutSet } from '../../scripts/train/model-card-data.js';
import { parseArchitecture } from '../../src/model/architecture.js';
import { LABELS, type Label } from '../../src/model/labels.js';
import { exampleMetrics } from '../support/metrics-files.js';
import { people } from '../support/people.js';

const folder = join('models', 'mien-v1');
const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
const metrics: ModelMetrics = read('metrics.json');
const arch = parseArchitecture(read('architecture.json'));

/** What Hugging Face asks of a card's front matter, model-index included; each figure needs a place of its own. */
const frontMatter = z.strictObject({
  license: z.literal('mit'),
  pipeline_tag: z.literal('image-classification'),
  library_name: z.string(),
  tags: z.array(z.string()).min(1),
  datasets: z.array(z.string()).min(1),
  metrics: z.array(z.string()).min(1),
  'model-index': z.tuple([
    z.strictObject({
      name: z.string(),
      results: z.array(
        z.strictObject({
          task: z.strictObject({ type: z.literal('image-classification'), name: z.string() }),
          dataset: z.strictObject({ type: z.string(), name: z.string(), split: z.string() }),
          metrics: z
            .array(z.strictObject({ type: z.string(), value: z.number(), name: z.string().optional() }))
            .length(3),
        }),
      ),
    }),
  ]),
});

function frontMatterOf(card: string) {
  const [, yaml] = /^---\n([\s\S]*?)\n---\n/.exec(card) ?? [];
  return frontMatter.parse(parse(yaml ?? ''));
}

describe('the card’s front matter', () => {
  const {
    'model-index': [{ name, results }],
  } = frontMatterOf(modelCard(metrics, arch));

  it('has every split’s figures, each under a name of its own', () => {
    expect(name).toBe('mien-v1');
    const { public: shown, private: hidden, test } = metrics.splits;
    const accuracies = [shown, hidden, test, test.withoutCopies].map(({ accuracy }) => accuracy);
    expect(results.map((result) => result.metrics[0])).toEqual(
      accuracies.map((accuracy) => ({ type: 'accuracy', value: Number(accuracy.toFixed(4)) })),
    );
    expect(new Set(results.map(({ dataset }) => `${dataset.type} ${dataset.split}`)).size).toBe(4);
  });

  it('is YAML whatever the names hold', () => {
    const odd = { ...metrics, name: 'a: "b" # c', training: { ...metrics.training, dataName: '- d: [e' } };
    const read = frontMatterOf(modelCard(odd, arch));
    expect([read['model-index'][0].name, read.datasets]).toEqual(['a: "b" # c', ['- d: [e']]);
  });

  it('has figures of other data sets where there are some', () => {
    const zeroShot = exampleMetrics('mien-v1', { protocol: 'zero-shot' });
    const card = modelCard(metrics, arch, [zeroShot]);
    const [own] = frontMatterOf(card)['model-index'];
    expect(own.results.slice(4).map(({ dataset }) => [dataset.type, dataset.split])).toEqual([
      ['ckplus', 'every picture, neutral kept'],
      ['ckplus', 'neutral masked'],
    ]);
    expect(card).not.toContain('it has not been measured here');
  });
});

describe('the card', () => {
  const card = modelCard(metrics, arch);

  it('says what it is for, what not, what of, and what is not known', () => {
    for (const heading of ['Intended use', 'Data', 'Accuracy', 'Known confusions', 'Calibration', 'Training'])
      expect(card).toContain(`\n## ${heading}\n`);
    expect(card).toContain('\nExcluded:\n');
    expect(card).toContain('CK+ needs a signed agreement and JAFFE may not be redistributed');
    expect(card).not.toMatch(/NaN|undefined|null/);
  });

  it('keeps the published scores calibrated: ECE 0.03 on the 7178 at most', () => {
    expect(metrics.splits.test.count).toBe(7178);
    expect(metrics.splits.test.ece).toBeLessThanOrEqual(0.03);
    expect(card).toContain(`is ${metrics.splits.test.ece.toFixed(3)} on the test images`);
  });

  it('counts what training cost, and says what was not recorded', () => {
    const steps = metrics.training.history.at(-1)?.step as number;
    const [stage, ...others] = metrics.training.config.stages as { batch: number }[];
    expect(others).toEqual([]);
    expect(card).toContain(`pictures seen: ${(steps * (stage?.batch as number)).toLocaleString('en')}`);
    const { engine: _, ...older } = metrics.training;
    const history = older.history.map(({ seconds: __, ...epoch }) => epoch);
    expect(modelCard({ ...metrics, training: { ...older, history } }, arch)).toContain(
      'time: not recorded by this run',
    );
    const { training } = exampleMetrics('timed');
    if (!training) throw new Error('the example has its training');
    const timed = modelCard({ ...metrics, training: { ...metrics.training, ...training } }, arch);
    expect(timed).toContain('pictures seen: 12,800');
    expect(timed).toContain('time: 1.00 hours');
    expect(timed).toContain('hardware: NVIDIA T4 (torch)');
  });

  it('counts epochs that are recorded every few', () => {
    const { training } = exampleMetrics('few');
    if (!training) throw new Error('the example has its training');
    const config = {
      seed: 1,
      stages: [
        { epochs: 4, batch: 10 },
        { epochs: 2, batch: 20 },
      ],
    };
    const every = training.history[0];
    const rows = (...ends: [epoch: number, step: number][]) =>
      ends.map(([epoch, step]) => ({ ...every, epoch, step })) as typeof training.history;
    const of = (history: typeof training.history) =>
      modelCard({ ...metrics, training: { ...metrics.training, config, history } }, arch);
    expect(of(rows([3, 30], [4, 40], [6, 50]))).toContain('pictures seen: 600');
    expect(of(rows([3, 30], [6, 50]))).toContain('pictures seen: not recorded');
    expect(of(rows([3, 30], [4, 40], [6, 50]))).toContain(', 6 epochs;');
  });

  it('names the weights that it began from and its teachers, its own as earlier ones', () => {
    const trained = (config: object) =>
      modelCard({ ...metrics, training: { ...metrics.training, config: { seed: 1, ...config } } }, arch);
    const own = trained({
      init: 'models/mien-v1/weights.safetensors',
      distillation: { teachers: ['runs/teacher', 'models/mien-v1'], weight: 0.8, temperature: 2 },
    });
    expect(own).toContain('Training went on from earlier weights of this model,');
    expect(own).toContain(
      'at a temperature of 2, has a weight of 0.8 beside the labels:\n- `runs/teacher` as it was then\n- earlier weights of this model\n',
    );
    expect(own).not.toContain('Nothing else');
    const other = trained({ init: 'models/other/weights.safetensors' });
    expect(other).toContain('went on from `models/other/weights.safetensors` as it was then,');
    expect(trained({ init: null, distillation: null })).toContain('Nothing else: no other pictures');
  });

  it('says how much of FER2013 it learned from, and of FER+ where it did', () => {
    const trained = (images: number | null, ferplus: number, set = metrics.training.set) => {
      const { set: _, ...training } = metrics.training;
      const config = { seed: 1, images, labels: { ferplus } };
      return modelCard({ ...metrics, training: { ...training, config, ...(set && { set }) } }, arch);
    };
    expect(trained(12_800, 0)).toContain('12,800 of the 28,709 Training images');
    expect(trained(12_800, 0)).not.toContain('FER+');
    expect(trained(null, 0.5)).toContain('2013), 28,709 Training images');
    expect(trained(null, 0.5)).toContain('[FER+]');
    const other = { images: 9000, votes: false, familiar: null };
    expect(trained(12_800, 0.5, other)).toContain('2013), 9,000 Training images');
    expect(trained(null, 0.5, other)).not.toContain('FER+');
    const { set: _, ...older } = metrics.training;
    expect(modelCard({ ...metrics, training: older }, arch)).toContain('2013), Training images and labels');
  });

  it('says whether people whom it has learned from are in the test images', () => {
    const on = (familiar: number | null) => {
      const training = {
        ...metrics.training,
        dataName: 'folder',
        set: { images: 5, votes: false, familiar },
      };
      return modelCard({ ...metrics, training }, arch);
    };
    expect(on(null)).toContain('people in the test images may be in the Training images as well');
    expect(on(3)).toContain('3 of the 7178 test images show people who are in the Training images as well');
    expect(on(0)).toContain('Nobody in the test images is in the Training images.');
    expect(on(0)).not.toContain('whom it has never seen');
  });

  it('says which labels it has learned nothing of', () => {
    const on = (unlearned: Label[]) => {
      const set = { images: 5, votes: false, familiar: 0, ...(unlearned.length > 0 && { unlearned }) };
      return modelCard({ ...metrics, training: { ...metrics.training, dataName: 'folder', set } }, arch);
    };
    expect(on(['fear', 'sad'])).toContain('\n\nNone of the Training images shows fear, sad.\n\n');
    expect(on([])).not.toContain('None of the Training images');
  });

  it('is of other data than FER2013 where it was trained on other data, with classes that do not occur', () => {
    const test = structuredClone(metrics.splits.test);
    test.confusion[1] = new Array(7).fill(0);
    test.perClass.disgust = { support: 0, precision: null, recall: null };
    const own = {
      ...metrics,
      splits: { ...metrics.splits, test },
      training: { ...metrics.training, dataName: 'folder' },
    };
    const other = modelCard(own, arch);
    expect(other).toContain('Trained on the data set `folder`');
    expect(other).toContain('| disgust | 0 | - | - |');
    expect(other).not.toMatch(/NaN|Kaggle|disgust taken for/);
  });
});

describe('what is told of a data set', () => {
  it('is counted in it', () => {
    const set = people(3, 1);
    // Who is first teaches, second chooses and third measures; the last picture is of the first.
    set.splits.set(set.subjects);
    set.subjects[20] = 0;
    expect(aboutSet(set)).toEqual({ images: 7, votes: false, familiar: 1 });
    const { subjects: _, ...unknown } = set;
    set.votes[0] = 10;
    expect(aboutSet(unknown)).toEqual({ images: 7, votes: true, familiar: null });
    const fewer = { ...unknown, labels: unknown.labels.map((label) => (label === 2 ? 3 : label)) };
    expect(aboutSet(fewer).unlearned).toEqual([LABELS[2]]);
  });
});
