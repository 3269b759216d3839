import type { DataSet } from '../../scripts/train/data/pack.js';
import { Random } from '../../scripts/train/engines/tfjs/random.js';
import { CROP_BYTES } from '../../src/model/architecture.js';
import { LABELS } from '../../src/model/labels.js';

/**
 * A generated data set with people in it: each shows every expression `times` times. The class decides where in the
 * picture a bright bar lies, the person how dark the rest is.
 */
export function people(count: number, times: number): DataSet & { subjects: Uint16Array } {
  const random = new Random(5);
  const each = LABELS.length * times;
  const labels = Uint8Array.from({ length: count * each }, (_, row) => row % LABELS.length);
  const subjects = Uint16Array.from(labels, (_, row) => Math.floor(row / each));
  const images = Uint8Array.from({ length: labels.length * CROP_BYTES }, (_, at) => {
    const row = Math.floor(at / CROP_BYTES);
    const bar = Math.floor(Math.floor((at % CROP_BYTES) / 48) / LABELS.length);
    const dark = 40 + 8 * ((subjects[row] as number) % 8);
    return Math.floor(random.uniform(0, 40)) + (bar === labels[row] ? 190 : dark);
  });
  const zeros = () => new Uint8Array(labels.length);
  return {
    images,
    labels,
    subjects,
    splits: zeros(),
    copies: zeros(),
    votes: new Uint8Array(10 * labels.length),
  };
}
