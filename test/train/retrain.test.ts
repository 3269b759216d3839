/** One's own pictures to a model that answers, in one command: generated pictures, a tiny network, the tfjs engine. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfiguration } from '../../scripts/train/config.js';
import { loadModel } from '../../src/assets/node-model.js';
import { formatArchitecture, parseArchitecture } from '../../src/model/architecture.js';
import { LABELS } from '../../src/model/labels.js';
import { table1 } from '../../src/model/table1.js';
import { encodeSafetensors } from '../../src/model/weights.js';
import { livelyWeights } from '../support/networks.js';
import { people } from '../support/people.js';
import { encodePng } from '../support/pictures.js';
import { tinyConfiguration } from '../support/tiny-run.js';

const folder = mkdtempSync(join(tmpdir(), 'mien-retrain-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...parts: string[]) => join(folder, ...parts);

const retrain = (...options: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', join('scripts', 'train', 'retrain.ts'), ...options], {
    encoding: 'utf8',
  });

function grey(pixels: Uint8Array) {
  const data = new Uint8ClampedArray(pixels.length * 4).fill(255);
  pixels.forEach((value, i) => {
    data.fill(value, 4 * i, 4 * i + 3);
  });
  return { width: 48, height: 48, data };
}

describe('npm run retrain', () => {
  const options = [
    ...['--root', at('pictures'), '--face', 'whole', '--engine', 'tfjs', '--config', at('tiny.json')],
    ...['--out', at('models', 'mine'), '--work', at('work'), '--skip-unreadable'],
  ];
  beforeAll(() => {
    const set = people(1, 10);
    set.labels.forEach((label, row) => {
      const file = at('pictures', LABELS[label] as string, `${row}.png`);
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, encodePng(grey(set.images.subarray(row * 2304, (row + 1) * 2304))));
    });
    writeFileSync(at('pictures', 'happy', 'broken.png'), 'no picture');
    const configuration = tinyConfiguration();
    const { architecture } = configuration;
    if ('baseline' in architecture) throw new Error('a baseline cannot be published');
    writeFileSync(at('init.safetensors'), encodeSafetensors(livelyWeights(table1(architecture))));
    writeFileSync(at('tiny.json'), JSON.stringify({ ...configuration, init: at('init.safetensors') }));
  });

  it('prepares, trains from given weights, publishes, and says how to serve it', async () => {
    const { status, stdout, stderr } = retrain(...options);
    expect([status, stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(stdout).toBe(`MODEL=${at('models', 'mine')} npm start   # serves it\n`);
    const model = await loadModel(at('models', 'mine'));
    expect([model.name, model.version]).toEqual(['mine', '1.0.0']);
    const metrics = JSON.parse(readFileSync(at('models', 'mine', 'metrics.json'), 'utf8'));
    // Of ten pictures a class one chooses and one measures.
    expect([metrics.splits.public.count, metrics.splits.private.count]).toEqual([7, 7]);
    expect(metrics.training).toMatchObject({ dataName: 'folder', config: { init: at('init.safetensors') } });
    const card = readFileSync(at('models', 'mine', 'MODEL_CARD.md'), 'utf8');
    expect(card).toContain('Trained on the data set `folder`');
    expect(card).toContain(`Training went on from \`${at('init.safetensors')}\` as it was then`);
    expect(card).toContain("not calibrated: PublicTest's 7 faces are too few");
    expect(metrics.temperature).toBe(1);
  }, 120_000);

  it('does not replace a model, nor mix two runs', () => {
    const again = retrain(...options);
    expect([again.status, again.stderr]).toEqual([
      1,
      expect.stringContaining('is there already: --out names'),
    ]);
    const other = retrain(...options, '--out', at('models', 'other'));
    expect([other.status, other.stderr]).toEqual([1, expect.stringContaining('--resume goes on with it')]);
    expect(existsSync(at('models', 'other'))).toBe(false);
  }, 120_000);

  it('goes on with --resume by the engine that has begun, and publishes what is trained already', () => {
    const unsaid = options.filter((option) => !['--engine', 'tfjs'].includes(option));
    const { status, stderr } = retrain(...unsaid, '--out', at('models', 'other'), '--resume');
    expect([status, stderr]).toEqual([0, expect.not.stringContaining('cropping')]);
    expect(stderr).toContain(
      `goes on with the pictures packed in ${at('work', 'data')}; others need another --work\n`,
    );
    expect(existsSync(at('models', 'other', 'weights.safetensors'))).toBe(true);
  }, 120_000);

  it('begins anew with more pictures where they were too few', () => {
    const few = (...names: string[]) => {
      for (const name of names)
        cpSync(at('pictures', 'happy'), at('few', name), {
          recursive: true,
          filter: (file) => !/[4-9]\.png$/.test(file),
        });
      const folders = ['--root', at('few'), '--out', at('models', 'few'), '--work', at('few-work')];
      return retrain(...options, ...folders);
    };
    const first = few('happy');
    expect([first.status, first.stderr]).toEqual([
      1,
      expect.stringMatching(/^error: a batch of 14 is more/m),
    ]);
    expect(first.stderr).not.toMatch(/^ +at /m);
    const second = few('sad', 'fear', 'angry', 'surprise', 'neutral', 'disgust');
    expect([second.status, second.stderr]).toEqual([0, expect.stringContaining('cropping')]);
  }, 120_000);

  it('ends with 1 where the pictures are at fault', () => {
    mkdirSync(at('odd', 'joyful'), { recursive: true });
    const { status, stderr } = retrain(
      '--root',
      at('odd'),
      '--out',
      at('models', 'odd'),
      '--work',
      at('never'),
    );
    expect([status, stderr]).toEqual([1, expect.stringContaining('joyful: no expression is called so')]);
    expect([existsSync(at('never')), existsSync(at('models', 'odd'))]).toEqual([false, false]);
  }, 120_000);
});

describe('fine-tuning.json', () => {
  it('is of the published model’s architecture, from its weights', () => {
    const { architecture, init } = readConfiguration('scripts/train/configs/fine-tuning.json');
    if ('baseline' in architecture) throw new Error('a baseline cannot be served');
    // Publishing has found the smoothing, and will again.
    const { smoothing: _, ...published } = parseArchitecture(
      JSON.parse(readFileSync('models/mien-v1/architecture.json', 'utf8')),
    );
    expect(formatArchitecture(table1(architecture))).toBe(formatArchitecture(published));
    expect(init).toBe('models/mien-v1/weights.safetensors');
  });
});
