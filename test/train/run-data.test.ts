/** A run and the data set that it learns from. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generatedFaces } from '../../scripts/train/data/generated.js';
import { type Index, rowsDigest, writeDataSet } from '../../scripts/train/data/pack.js';
import { trainRun } from '../../scripts/train/engines/tfjs/train.js';
import { type Engine, prepareRun } from '../../scripts/train/run.js';
import { digestsOf, refuseOtherData } from '../../scripts/train/run-data.js';
import { tinyConfiguration } from '../support/tiny-run.js';
import { historyOf, python, runPython, torchEngine } from '../support/training.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-run-data-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);

const ENGINES: Engine[] = python ? ['tfjs', 'torch'] : ['tfjs'];

/** A data set, one of the same pictures in other splits, and one with other votes. */
let own: Index;
let other: Index;
let voted: Index;
beforeAll(() => {
  const set = generatedFaces(56);
  own = writeDataSet(at('own'), 'generated', set);
  other = writeDataSet(at('other'), 'generated', { ...set, splits: set.splits.toReversed() });
  voted = writeDataSet(at('voted'), 'generated', { ...set, votes: set.votes.toReversed() });
});

describe('a run', () => {
  const RUN = { engine: 'torch', device: 'cpu', parameters: 1, macs: 1 };
  const compare = (engine: object | undefined, index: Index) => () => {
    rmSync(at('run'), { recursive: true, force: true });
    mkdirSync(at('run'));
    if (engine) writeFileSync(at('run', 'engine.json'), JSON.stringify({ ...RUN, ...engine }));
    refuseOtherData(at('run'), 'data/x', index);
  };

  it('is of one data set: pictures, labels, splits, and votes where they taught', () => {
    const { votes, ...rows } = digestsOf(own);
    expect(compare({ ...rows, votes }, own)).not.toThrow();
    expect(compare(rows, other)).toThrow(
      `${at('run')} has learned from another data set than data/x now holds: --data names that one`,
    );
    expect(compare({ ...rows, votes }, voted)).toThrow('another data set');
    expect(compare(rows, voted)).not.toThrow();
  });

  it('of older days is of its pictures, or of any', () => {
    expect(compare({ data: own.images }, other)).not.toThrow();
    expect(compare({ data: 'ab' }, own)).toThrow('another data set');
    expect(compare({}, own)).not.toThrow();
    expect(compare(undefined, own)).not.toThrow();
  });
});

describe('a published model', () => {
  const compare = (metrics: object, index: Index) => () => {
    mkdirSync(at('model'), { recursive: true });
    writeFileSync(at('model', 'metrics.json'), JSON.stringify(metrics));
    refuseOtherData(at('model'), 'data/x', index);
  };

  it('is of one data set, but for the votes, which measure nothing', () => {
    const training = { data: own.images, rows: rowsDigest(own), engine: digestsOf(own) };
    for (const index of [own, voted]) expect(compare({ training }, index)).not.toThrow();
    expect(compare({ training }, other)).toThrow(`${at('model')} has learned from another data set`);
  });

  it('may say nothing of it', () => {
    for (const metrics of [{}, { training: null }, { training: {} }])
      expect(compare(metrics, own)).not.toThrow();
  });
});

it.skipIf(!python)('torch takes a data set for the same', () => {
  const code = 'import json, sys\nfrom data import DataSet\nprint(json.dumps(DataSet(sys.argv[1]).digests))';
  expect(JSON.parse(runPython(code, new Uint8Array(), at('own')).toString())).toEqual(digestsOf(own));
});

describe.each(ENGINES)('training by %s', (engine) => {
  const tiny = tinyConfiguration();

  /** Trains, from the checkpoint if there is one: what the engine says against it, or nothing. */
  async function train(name: string, data: string, configuration = tiny, steps?: number): Promise<string> {
    prepareRun(at(name), configuration, { engine, resume: true });
    if (engine === 'tfjs') {
      const options = {
        run: at(name),
        data: at(data),
        backend: 'wasm',
        steps,
        checkpointSeconds: 60,
      } as const;
      return trainRun(options).then(
        () => '',
        (error: Error) => error.message,
      );
    }
    const { code, said } = await torchEngine(at(name), at(data), ...(steps ? ['--steps', `${steps}`] : []))
      .ended;
    return code === 0 ? '' : said;
  }

  it('stops where the loss is no number any more, with nothing written', async () => {
    const name = `${engine}-diverging`;
    const optimizer = { ...tiny.optimizer, learningRate: 1e30 };
    expect(await train(name, 'own', { ...tiny, optimizer })).toMatch(
      /the loss is no finite number at step \d+: lower optimizer\.learningRate/,
    );
    for (const written of ['last.safetensors', 'best.safetensors', 'history.jsonl'])
      expect(existsSync(at(name, written)), written).toBe(false);
  }, 120_000);

  it('does not go on with other splits, nor with other votes', async () => {
    expect(await train(engine, 'own', tiny, 1)).toBe('');
    for (const data of ['other', 'voted']) {
      const said = await train(engine, data);
      expect(said).toContain('has learned from another data set');
      expect(said).not.toContain('Traceback');
    }
    const recorded = JSON.parse(readFileSync(at(engine, 'engine.json'), 'utf8'));
    expect(recorded).toMatchObject({ dataName: 'generated', ...digestsOf(own) });
  }, 120_000);

  it('measures accuracy on Training pictures that it has learned', async () => {
    // All look alike, so all get one answer: right for a seventh of the learned ones, whichever it is.
    const set = generatedFaces(112);
    const labels = set.labels.map((_, row) => (row < 112 && row % 8 > 0 ? 0 : (row / 8) % 7));
    writeDataSet(at('alike'), 'generated', { ...set, images: set.images.fill(99), labels });
    const name = `${engine}-few`;
    expect(await train(name, 'alike', { ...tiny, images: 14 })).toBe('');
    expect(historyOf(at(name))[0]?.trainAccuracy).toBeCloseTo(1 / 7, 6);
  }, 120_000);

  it('writes an epoch’s weights before its history, which says that there are some', async () => {
    const name = `${engine}-stopped`;
    mkdirSync(at(name, 'best.safetensors'), { recursive: true });
    expect(await train(name, 'own')).toContain('best.safetensors: ');
    expect([existsSync(at(name, 'last.safetensors')), existsSync(at(name, 'history.jsonl'))]).toEqual([
      true,
      false,
    ]);
  }, 120_000);
});
