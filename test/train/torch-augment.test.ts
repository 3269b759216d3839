/** The torch engine's augmentation, by itself and against the tfjs engine's. Needs a Python with torch. */
import { beforeAll, describe, expect, it } from 'vitest';
import { mix } from '../../scripts/train/engines/tfjs/augment.js';
import { enlarge } from '../../src/model/enlarge.js';
import { python, runPython } from '../support/training.js';

const COUNT = 4;
const SIDE = 8;

/** What Python makes of it all, in one call. */
const CODE = `
import json, torch, augment
changing = "rotation scale shift horizontalFlip verticalFlip brightness contrast erasing".split()
none = dict.fromkeys([*changing, "mixup", "cutmix"], 0)

def augmented(crops, side, options):
    torch.manual_seed(0)
    return augment.apply(crops, side, augment.draw(len(crops), options, crops.device))

def changed(name):
    crops = (torch.arange(48 * 48) % 97).byte().view(1, 1, 48, 48).repeat(8, 1, 1, 1)
    options = none | {name: 10 if name == "rotation" else 0.5}
    return (augmented(crops, 48, options) - crops.float()).abs().max().item()

def share_apart():
    crops = (torch.arange(8 * 48 * 48) % 97).byte().view(8, 1, 48, 48)
    options = none | dict(rotation=10, shift=0.1, contrast=0.3, erasing=0.5)
    torch.manual_seed(0)
    drawn = augment.draw(8, options, crops.device)
    half = augment.apply(crops[4:], 48, {name: values[4:] for name, values in drawn.items()})
    return (half - augmented(crops, 48, options)[4:]).abs().max().item()

def mixed(options):
    torch.manual_seed(3)
    mixing = augment.draw_mix(${SIDE}, none | options)
    pictures = torch.arange(${COUNT * SIDE * SIDE}).float().view(${COUNT}, 1, ${SIDE}, ${SIDE})
    out, (labels,) = augment.mix(pictures, [torch.eye(7)[:${COUNT}]], mixing)
    box = [[s.start, s.stop] for s in mixing[1]] if mixing and mixing[1] else None
    return [mixing and mixing[0], box, out.flatten().tolist(), labels.flatten().tolist()]

crops = (torch.arange(2 * 48 * 48) * 31 % 251).byte().view(2, 1, 48, 48)
print(json.dumps({
    "plain": augmented(crops, 96, none).flatten().tolist(),
    "changes": {name: changed(name) for name in changing},
    "shareApart": share_apart(),
    "unmixed": mixed({}), "mixup": mixed({"mixup": 0.4}), "cutmix": mixed({"cutmix": 1}),
}))`;

type Mixed = [
  share: number | null,
  box: [[number, number], [number, number]] | null,
  pictures: number[],
  labels: number[],
];

describe.skipIf(!python)('the torch engine', () => {
  let theirs: {
    plain: number[];
    changes: Record<string, number>;
    shareApart: number;
    unmixed: Mixed;
    mixup: Mixed;
    cutmix: Mixed;
  };
  beforeAll(() => {
    theirs = JSON.parse(runPython(CODE).toString());
  }, 60_000);

  const pictures = Float32Array.from({ length: COUNT * SIDE * SIDE }, (_, at) => at);
  const labels = Float32Array.from({ length: COUNT * 7 }, (_, at) => Number(Math.floor(at / 7) === at % 7));
  const apart = (their: number[], ours: Float32Array) =>
    Math.max(...ours.map((value, at) => Math.abs(value - (their[at] as number))));

  it('augments by nothing but the size when every option is zero', () => {
    const crops = Uint8Array.from({ length: 2 * 48 * 48 }, (_, at) => (at * 31) % 251);
    // grid_sample finds the places in float32 ratios of the side: 96 × 2⁻²⁴ of a pixel, times 255 grey levels.
    expect(apart(theirs.plain, enlarge(crops, 96))).toBeLessThan(5e-3);
  });

  it('changes the picture when an option is not zero, and a share of a batch as the whole', () => {
    for (const [name, change] of Object.entries(theirs.changes)) expect(change, name).toBeGreaterThan(5);
    expect(theirs.shareApart).toBe(0);
  });

  it.each(['mixup', 'cutmix'] as const)('mixes as the tfjs engine, of the same draws: %s', (name) => {
    const [share, box, theirPictures, theirLabels] = theirs[name];
    expect(box === null).toBe(name === 'mixup');
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    const [own, ownLabels] = [pictures.slice(), labels.slice()];
    const mixing = { share: share as number, ...(box && { box: [...box[0], ...box[1]] as const }) };
    mix(own, [ownLabels], mixing, COUNT);
    // Values up to 255 in float32.
    expect(apart(theirPictures, own)).toBeLessThan(1e-4);
    expect(apart(theirLabels, ownLabels)).toBeLessThan(1e-6);
    // The control: something was mixed, and every picture's targets still sum to 1.
    expect(apart(theirPictures, pictures)).toBeGreaterThan(1);
    for (let row = 0; row < COUNT; row++)
      expect(ownLabels.subarray(row * 7, row * 7 + 7).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  });

  it('gives the targets of cutmix the box’s share of the picture', () => {
    const [share, box, mixed] = theirs.cutmix;
    const [[top, bottom], [left, right]] = box as NonNullable<typeof box>;
    const others = mixed.slice(0, SIDE * SIDE).filter((value) => value >= SIDE * SIDE).length;
    expect(others).toBe((bottom - top) * (right - left));
    expect(others).toBeGreaterThan(0);
    expect(share).toBeCloseTo(1 - others / SIDE ** 2, 6);
  });

  it('mixes nothing without options', () => {
    expect(theirs.unmixed[0]).toBe(null);
    expect(apart(theirs.unmixed[2], pictures)).toBe(0);
  });
});
