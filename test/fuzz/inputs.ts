/** Seeded inputs for the fuzz run: whole requests, and pictures with something wrong. */
import { randomNumbers } from '../support/random.js';

/** Draws, the same for the same seed. */
export function createDice(seed: number) {
  const random = randomNumbers(seed);
  /** A whole number from 0 to below `most`. */
  const below = (most: number) => Math.min(most - 1, Math.floor(((random() + 1) / 2) * most));
  const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  return { below, pick, times: <T>(count: number, make: () => T) => Array.from({ length: count }, make) };
}
export type Dice = ReturnType<typeof createDice>;

/** Changes a file as transmission, bad writers and attackers do. */
export function mutate(dice: Dice, file: Uint8Array): Uint8Array {
  const { below, pick, times } = dice;
  const bytes = file.slice();
  const somewhere = () => below(bytes.length);
  // Where formats keep their sizes and tables.
  const early = () => below(Math.min(64, bytes.length));
  switch (below(7)) {
    case 0:
      return bytes.subarray(0, somewhere());
    case 1:
      for (const at of times(1 + below(8), somewhere)) bytes[at] = (bytes[at] as number) ^ (1 << below(8));
      return bytes;
    case 2:
      for (const at of times(1 + below(4), early)) bytes[at] = pick([0, 1, 127, 128, 255]);
      return bytes;
    case 3: {
      const [from, to] = [somewhere(), somewhere()];
      bytes.copyWithin(to, from, from + below(64));
      return bytes;
    }
    case 4: {
      const [from, to] = [somewhere(), somewhere()].sort((one, other) => one - other) as [number, number];
      return new Uint8Array([...bytes.subarray(0, from), ...bytes.subarray(to)]);
    }
    case 5:
      return new Uint8Array([...bytes, ...times(below(64), () => below(256))]);
    default: {
      const at = somewhere();
      return new Uint8Array([
        ...bytes.subarray(0, at),
        ...times(1 + below(16), () => below(256)),
        ...bytes.subarray(at),
      ]);
    }
  }
}

const NAMES = [
  'maxFaces',
  'minFaceSize',
  'face',
  'saliency',
  'smoothing',
  'image',
  '__proto__',
  'constructor',
  '',
  'ä',
];
const WORDS = [
  '1',
  '0',
  '-1',
  '1e9',
  '1e-9',
  'NaN',
  '',
  'auto',
  'whole',
  'top',
  'happy',
  '%',
  'null',
  '\u0000',
  '9'.repeat(400),
  '😀',
];

export function query(dice: Dice): string {
  const { below, pick, times } = dice;
  const pairs = times(
    below(3),
    () => `${encodeURIComponent(pick(NAMES))}=${encodeURIComponent(pick(WORDS))}`,
  );
  return below(20) === 0 ? '?%' : pairs.length > 0 ? `?${pairs.join('&')}` : '';
}

/** Any JSON, made of the names and shapes that requests have. */
export function json(dice: Dice, picture: string, depth = 0): unknown {
  const { below, pick, times } = dice;
  const leaf = () =>
    pick<unknown>([
      null,
      true,
      0,
      -1,
      1.5,
      1e308,
      255,
      '',
      'crops',
      'UINT8',
      picture,
      `data:image/png;base64,${picture}`,
      '=',
    ]);
  if (depth > 3 || below(3) === 0) return leaf();
  if (below(2) === 0) return times(below(5), () => json(dice, picture, depth + 1));
  const names = [
    'image',
    'images',
    'inputs',
    'outputs',
    'parameters',
    'name',
    'shape',
    'datatype',
    'data',
    'id',
    'top_k',
    ...NAMES,
  ];
  return Object.fromEntries(times(below(4), () => [pick(names), json(dice, picture, depth + 1)]));
}

/** An inference request of which one thing may be wrong. */
export function inferRequest(dice: Dice): unknown {
  const { below, pick, times } = dice;
  const values = times(2304, () => below(256));
  const input: Record<string, unknown> = {
    name: 'crops',
    datatype: 'UINT8',
    shape: [1, 48, 48, 1],
    data: values,
  };
  const request: Record<string, unknown> = { id: pick(['', 'a', '\u2028']), inputs: [input] };
  const damage: (() => void)[] = [
    () => {},
    () => (input.shape = times(below(6), () => pick([0, 1, 48, -1, 1e9, 0.5]))),
    () => (input.data = values.slice(0, below(2304))),
    () => (values[below(2304)] = pick([256, -1, 0.5, 1e300])),
    () => (input.datatype = pick(['FP32', 'uint8', '', 7])),
    () => (input.name = pick(['crop', null, 3])),
    () => (input.parameters = { binary_data_size: pick([0, 2304, -1, 1e12]) }),
    () => (request.inputs = pick([[], [input, input], {}, null])),
    () => (request.outputs = pick([[{ name: 'scores' }], [{ name: 'x' }], 7])),
  ];
  pick(damage)();
  return request;
}
