import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfiguration, readConfiguration } from '../../scripts/train/config.js';
import { MienError } from '../../src/model/errors.js';
import { SMOKE } from '../support/training.js';

const smoke = () => JSON.parse(readFileSync(SMOKE, 'utf8'));

/** The message of what is thrown. */
function refusal(change: object): string {
  try {
    parseConfiguration({ ...smoke(), ...change }, 'it');
  } catch (error) {
    expect(MienError.is(error) && error.code).toBe('invalid_data');
    return (error as Error).message;
  }
  throw new Error('not refused');
}

describe('a training configuration', () => {
  it.each(readdirSync(join('scripts', 'train', 'configs')))('is what is shipped: %s', (name) => {
    expect(readConfiguration(join('scripts', 'train', 'configs', name)).stages.length).toBeGreaterThan(0);
  });

  it('names the fields that are wrong', () => {
    const { augmentation, optimizer } = smoke();
    expect(refusal({ average: 2 })).toMatch(/^it is not a training configuration: .*average/s);
    expect(refusal({ augmentation: { ...augmentation, blur: 1 } })).toContain('"blur"');
    expect(refusal({ optimizer: { ...optimizer, sam: -1 } })).toContain('optimizer.sam');
    expect(refusal({ optimizer: { ...optimizer, momentum: 0 } })).toContain('optimizer.nesterov');
    expect(refusal({ images: 0 })).toContain('images');
    expect(refusal({ labels: { smoothing: 0.1, ferplus: 0, adjustment: -1 } })).toContain('adjustment');
  });

  it('describes a network that can be', () => {
    const architecture = (change: object) =>
      refusal({ architecture: { ...smoke().architecture, ...change } });
    const at = '\n  → at architecture';
    expect(architecture({ mixAfter: [8] })).toContain(`module 8 is no residual block to mix after${at}`);
    // One sentence for all blocks.
    expect(architecture({ width: 1, groups: 3 })).toBe(
      `it is not a training configuration: ✖ 3 groups cannot share 16, 64, 128, 256 channels evenly${at}`,
    );
    expect(architecture({ side: 20 })).toContain(at);
  });

  it('mixes batches of an even number alone', () => {
    const stages = [{ side: 24, epochs: 1, batch: 15 }];
    expect(refusal({ stages })).toContain('batches of an even number');
    const { augmentation } = smoke();
    const unmixed = { ...smoke(), stages, augmentation: { ...augmentation, mixup: 0, cutmix: 0 } };
    expect(parseConfiguration(unmixed, 'it').stages).toEqual(stages);
  });

  it('has no momentum where nothing looks ahead by it', () => {
    const optimizer = { ...smoke().optimizer, momentum: 0, nesterov: false };
    expect(parseConfiguration({ ...smoke(), optimizer }, 'it').optimizer).toMatchObject(optimizer);
  });

  it('has defaults that change nothing for older ones', () => {
    const { stochasticDepth: _, images: __, data: ___, ...old } = smoke();
    old.labels.adjustment = undefined;
    old.augmentation.cutmix = undefined;
    expect(parseConfiguration(old, 'it')).toMatchObject({
      data: 'data/fer2013',
      images: null,
      stochasticDepth: 0,
      optimizer: { sam: 0 },
      labels: { adjustment: 0 },
      augmentation: { cutmix: 0 },
      distillation: null,
    });
  });
});
