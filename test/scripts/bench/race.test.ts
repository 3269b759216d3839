import { expect, test } from 'vitest';
import { checkAgreement, takeTurns } from '../../../scripts/bench/race.js';
import type { SubjectName } from '../../../scripts/bench/subjects/index.js';

const crops = new Uint8Array(2304);
const saying = (name: SubjectName, ...scores: number[]) => ({
  name,
  classify: async () => Float32Array.from(scores),
});

test('a race is called off where two subjects compute the same network differently', async () => {
  const ours = saying('plan', 0.75, 0.25);
  await checkAgreement([ours, saying('onnxruntime-web-1', 0.75001, 0.24999)], crops);
  await expect(checkAgreement([ours, saying('onnxruntime-web-1', 0.7502, 0.2498)], crops)).rejects.toThrow(
    'onnxruntime-web-1 differs from plan by',
  );
  await expect(checkAgreement([ours, saying('stock-operations', Number.NaN, 0.25)], crops)).rejects.toThrow();
  // Networks of their own answer what they like.
  await checkAgreement([ours, saying('human', 0.1, 0.9)], crops);
});

test('in a race all take as many turns, each round begun by another', async () => {
  const asked: string[] = [];
  const subject = (name: string, ms: number) => ({
    name,
    time: async () => {
      asked.push(name);
      return { ms, processorMs: 2 * ms };
    },
  });
  const subjects = [subject('a', 1), subject('b', 2), subject('c', 3)];
  const turns = await takeTurns(subjects, { crops, rounds: 3, milliseconds: 1 });
  expect(asked.join('')).toBe('abc' + 'abc' + 'bca' + 'cab'); // the first warms up and is not counted
  expect([...turns].map(([{ name }, taken]) => [name, taken.map(({ ms }) => ms)])).toEqual([
    ['a', [1, 1, 1]],
    ['b', [2, 2, 2]],
    ['c', [3, 3, 3]],
  ]);
});
