import { describe, expect, test, vi } from 'vitest';
import { type BatchingOptions, createBatcher } from '../../src/handlers/batching.js';
import { randomNumbers } from '../support/random.js';

const CROP_BYTES = 48 * 48;

/** Crops that say who they are in their first two bytes. */
function crops(...ids: number[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * CROP_BYTES);
  ids.forEach((id, index) => {
    bytes.set([id >> 8, id & 255], index * CROP_BYTES);
  });
  return bytes;
}

const scoresOf = (...ids: number[]) =>
  ids.flatMap((id) => Array.from({ length: 7 }, (_, label) => id * 7 + label));

/** Scores a crop by who it is. */
function identifying() {
  const batches: number[] = [];
  const classifier = {
    classify: vi.fn((bytes: Uint8Array) => {
      const count = bytes.length / CROP_BYTES;
      batches.push(count);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const ids = Array.from({ length: count }, (_, n) => view.getUint16(n * CROP_BYTES));
      return Float32Array.from(scoresOf(...ids));
    }),
    dispose: vi.fn(),
  };
  return { batches, classifier };
}

const options = (set: Partial<BatchingOptions> = {}): BatchingOptions => ({
  batchMax: 8,
  waitMs: 5,
  queueMax: 64,
  deadlineMs: 10_000,
  ...set,
});

describe('a batcher', () => {
  test('lets concurrent requests share an inference, in order, and gives each its own scores', async () => {
    const { batches, classifier } = identifying();
    const batcher = createBatcher(classifier, options());
    const answers = await Promise.all([
      batcher.classify(crops(1)),
      batcher.classify(crops(2, 3)),
      batcher.classify(crops(4)),
    ]);
    expect(batches).toEqual([4]);
    expect(answers.map((scores) => [...scores])).toEqual([scoresOf(1), scoresOf(2, 3), scoresOf(4)]);
  });

  test('shares nothing where a batch is one crop', async () => {
    const { batches, classifier } = identifying();
    const batcher = createBatcher(classifier, options({ batchMax: 1 }));
    await Promise.all([batcher.classify(crops(1)), batcher.classify(crops(2))]);
    expect(batches).toEqual([1, 1]);
  });

  test('does not wait for the clock when a batch is full', async () => {
    const { batches, classifier } = identifying();
    const batcher = createBatcher(classifier, options({ batchMax: 2, waitMs: 1000 }));
    const began = performance.now();
    await Promise.all([batcher.classify(crops(1)), batcher.classify(crops(2))]);
    expect(performance.now() - began).toBeLessThan(500);
    expect(batches).toEqual([2]);
  });

  test('cuts a request that is larger than a batch', async () => {
    const { batches, classifier } = identifying();
    const batcher = createBatcher(classifier, options({ batchMax: 2, queueMax: 1 }));
    expect([...(await batcher.classify(crops(1, 2, 3, 4, 5)))]).toEqual(scoresOf(1, 2, 3, 4, 5));
    expect(batches).toEqual([2, 2, 1]);
  });

  test('refuses what does not fit in the queue, and takes the next when there is room', async () => {
    const { classifier } = identifying();
    const batcher = createBatcher(classifier, options({ queueMax: 3 }));
    const first = batcher.classify(crops(1, 2));
    await expect(batcher.classify(crops(3, 4))).rejects.toMatchObject({ code: 'queue_full' });
    const third = batcher.classify(crops(5));
    expect(batcher.length()).toBe(3);
    expect([[...(await first)], [...(await third)]]).toEqual([scoresOf(1, 2), scoresOf(5)]);
    expect(batcher.length()).toBe(0);
    await batcher.classify(crops(6, 7));
  });

  test('lets go of a client that has gone', async () => {
    const { batches, classifier } = identifying();
    const batcher = createBatcher(classifier, options());
    const client = new AbortController();
    const gone = batcher.classify(crops(1, 2), { signal: client.signal });
    const stays = batcher.classify(crops(3));
    client.abort(new Error('gone'));
    expect(batcher.length()).toBe(1);
    await expect(gone).rejects.toThrow('gone');
    expect([...(await stays)]).toEqual(scoresOf(3));
    expect(batches).toEqual([1]);
    await expect(batcher.classify(crops(1), { signal: client.signal })).rejects.toThrow('gone');
  });

  test('lets nobody wait beyond the deadline', async () => {
    const { classifier } = identifying();
    const batcher = createBatcher(classifier, options({ waitMs: 1000, deadlineMs: 20 }));
    await expect(batcher.classify(crops(1))).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(batcher.length()).toBe(0);
    expect(classifier.classify).not.toHaveBeenCalled();
  });

  test('fails those alone whose inference fails', async () => {
    const { classifier } = identifying();
    const batcher = createBatcher(classifier, options({ batchMax: 1 }));
    classifier.classify.mockImplementationOnce(() => {
      throw new Error('no memory');
    });
    const [one, other] = await Promise.allSettled([batcher.classify(crops(1)), batcher.classify(crops(2))]);
    expect([one.status, other.status]).toEqual(['rejected', 'fulfilled']);
  });

  test('tells of every batch', async () => {
    const { classifier } = identifying();
    const onBatch = vi.fn();
    const batcher = createBatcher(classifier, options({ onBatch }));
    await Promise.all([batcher.classify(crops(1)), batcher.classify(crops(2, 3))]);
    expect(onBatch).toHaveBeenCalledExactlyOnceWith({
      size: 3,
      queueMs: [expect.any(Number), expect.any(Number)],
      inferMs: expect.any(Number),
    });
  });

  test('keeps as many threads busy as there are, each with a fair share', async () => {
    const asked: { ids: number[]; answer: () => void }[] = [];
    const classifier = {
      classify: (bytes: Uint8Array) =>
        new Promise<Float32Array>((resolve) => {
          const view = new DataView(bytes.buffer, bytes.byteOffset);
          const ids = Array.from({ length: bytes.length / CROP_BYTES }, (_, n) =>
            view.getUint16(n * CROP_BYTES),
          );
          asked.push({ ids, answer: () => resolve(Float32Array.from(scoresOf(...ids))) });
        }),
      dispose: () => {},
    };
    const batcher = createBatcher(classifier, options({ parallel: 2 }));
    const six = batcher.classify(crops(1, 2, 3, 4, 5, 6));
    await vi.waitFor(() => expect(asked).toHaveLength(2));
    expect(asked.map(({ ids }) => ids)).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const seventh = batcher.classify(crops(7));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked).toHaveLength(2); // both are busy
    asked[1]?.answer();
    await vi.waitFor(() => expect(asked).toHaveLength(3));
    for (const { answer } of asked) answer();
    expect([...(await six)]).toEqual(scoresOf(1, 2, 3, 4, 5, 6));
    expect([...(await seventh)]).toEqual(scoresOf(7));
  });

  test('refuses what waits when it is put away', async () => {
    const { classifier } = identifying();
    const batcher = createBatcher(classifier, options({ waitMs: 1000 }));
    const waiting = batcher.classify(crops(1));
    batcher.dispose();
    await expect(waiting).rejects.toMatchObject({ code: 'not_ready' });
    expect([classifier.classify.mock.calls.length, classifier.dispose.mock.calls.length]).toEqual([0, 1]);
  });

  test('mixes up nothing under random load', async () => {
    const { batches, classifier } = identifying();
    const batcher = createBatcher(classifier, options({ batchMax: 8, waitMs: 1, queueMax: 600 }));
    const random = randomNumbers(11);
    const below = (most: number) => Math.floor(((random() + 1) / 2) * most) % most;
    const outcomes = { answered: 0, refused: 0, gone: 0 };
    let next = 0;
    const request = async () => {
      await new Promise((resolve) => setTimeout(resolve, below(60)));
      const ids = Array.from({ length: 1 + below(12) }, () => next++ % 65_536);
      const client = new AbortController();
      if (below(5) === 0) setTimeout(() => client.abort(new Error('gone')), below(3));
      try {
        const scores = await batcher.classify(crops(...ids), { signal: client.signal });
        expect([...scores]).toEqual(scoresOf(...ids));
        outcomes.answered++;
      } catch (error) {
        if ((error as { code?: string }).code === 'queue_full') outcomes.refused++;
        else if ((error as Error).message === 'gone') outcomes.gone++;
        else throw error;
      }
    };
    await Promise.all(Array.from({ length: 600 }, request));
    expect(outcomes.answered + outcomes.refused + outcomes.gone).toBe(600);
    expect(Math.min(outcomes.answered, outcomes.refused, outcomes.gone)).toBeGreaterThan(0); // the control
    expect(Math.max(...batches)).toBe(8);
    expect(batcher.length()).toBe(0);
  });
});
