import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPool, type Pool } from '../../../src/handlers/threads/pool.js';
import { MienError } from '../../../src/model/errors.js';

/** Answers `echo` after so many milliseconds, refuses `refuse` as mien does, dies of `die`, and never ends `spin`. */
const THREAD = `
const { parentPort, threadId } = require('node:worker_threads');
setTimeout(() => parentPort.postMessage('loaded'), process.env.LOAD_MS);
parentPort.on('message', ({ method, values: [value, ms] }) => {
  if (method === 'die') process.exit(3);
  while (method === 'spin');
  const error = { code: 'invalid_image', message: 'no picture', details: { bytes: value } };
  setTimeout(() => parentPort.postMessage(method === 'refuse' ? { error } : { result: [value, threadId] }), ms);
});`;
const BROKEN = 'setTimeout(() => { throw new RangeError("no memory"); }, process.env.DIE_MS);';

let pool: Pool;
beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {}); // where deaths are logged
});
afterEach(() => pool.dispose());

interface Threads {
  /** Whether the nth thread started can load. */
  sound?(nth: number): boolean;
  loadMs?: number;
  dieMs?: number;
  hopeless?(): void;
}
const pooled = (
  size: number,
  { sound = () => true, loadMs = 0, dieMs = 0, hopeless = () => {} }: Threads = {},
) => {
  let started = 0;
  const options = { eval: true, env: { LOAD_MS: `${loadMs}`, DIE_MS: `${dieMs}` } };
  const start = () => new Worker(sound(++started) ? THREAD : BROKEN, options);
  pool = createPool({ size, start, hopeless });
  return { started: () => started };
};
const echo = async (value: string, ms = 0, options = {}) =>
  (await pool.ask({ method: 'echo', values: [value, ms] }, options)) as [string, number];

describe('a pool of threads', () => {
  test('gives each question to a thread that is free', async () => {
    pooled(2);
    const answers = await Promise.all([echo('a', 50), echo('b', 50), echo('c'), echo('d')]);
    expect(answers.map(([value]) => value)).toEqual(['a', 'b', 'c', 'd']);
    expect(new Set(answers.map(([, thread]) => thread)).size).toBe(2);
  });

  test('answers in order, but what is urgent first', async () => {
    pooled(1);
    await pool.ready;
    const order: string[] = [];
    const urgent = (value: string) => echo(value, 0, { urgent: true });
    const asked = [echo('first', 20), echo('second'), echo('third'), urgent('urgent'), urgent('too')];
    await Promise.all(asked.map((one) => one.then(([value]) => order.push(value))));
    expect(order).toEqual(['first', 'urgent', 'too', 'second', 'third']);
  });

  test('carries a refusal with its code and its details', async () => {
    pooled(1);
    const refused = pool.ask({ method: 'refuse', values: [7, 0] });
    await expect(refused).rejects.toMatchObject({ code: 'invalid_image', details: { bytes: 7 } });
    await expect(refused).rejects.toSatisfy(MienError.is);
  });

  test('does not ask what has been given up', async () => {
    pooled(1);
    await echo('loaded');
    const began = performance.now();
    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = echo('first', 100, { signal: running.signal });
    const second = echo('second', 20_000, { signal: waiting.signal });
    const third = echo('third');
    running.abort(new Error('gone'));
    waiting.abort(new Error('gone too'));
    await expect(first).rejects.toThrow('gone');
    await expect(second).rejects.toThrow('gone too');
    expect((await third)[0]).toBe('third');
    expect(performance.now() - began).toBeLessThan(10_000); // the second would have kept the thread for twenty seconds
  });

  test('puts another thread in the place of one that dies, which fails only what it was doing', async () => {
    const { started } = pooled(2);
    const died = pool.ask({ method: 'die', values: [] });
    const others = Promise.all([echo('a', 20), echo('b'), echo('c')]);
    await expect(died).rejects.toMatchObject({ code: 'internal' });
    expect((await others).map(([value]) => value)).toEqual(['a', 'b', 'c']);
    await vi.waitFor(() => expect(started()).toBe(3));
    expect((await echo('after'))[0]).toBe('after');
  });

  test('gives up what waits for too long, and what takes too long with its thread', async () => {
    const { started } = pooled(1);
    await echo('loaded');
    const busy = echo('busy', 300);
    await expect(echo('late', 0, { deadlineMs: 50 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(await busy).toContain('busy'); // whose own time had no limit
    const endless = pool.ask({ method: 'spin', values: [] }, { limitMs: 200 });
    const next = echo('next', 0, { deadlineMs: 20_000 });
    await expect(endless).rejects.toMatchObject({ code: 'too_much_work', details: { limitMs: 200 } });
    expect((await next)[0]).toBe('next');
    expect([started(), pool.waiting()]).toEqual([2, 0]);
  });

  test('asks no thread that has yet to load: its time to work has not begun, that to wait has', async () => {
    const { started } = pooled(1, { loadMs: 400 });
    const late = echo('late', 0, { deadlineMs: 50 });
    const limited = echo('limited', 0, { limitMs: 300 });
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect((await limited)[0]).toBe('limited');
    expect(started()).toBe(1);
  });

  test('is ready once every thread has loaded, or one has and the others were tried', async () => {
    pooled(2, { loadMs: 200 });
    await pool.ready;
    const both = await Promise.all([echo('a', 50), echo('b', 50)]);
    expect(new Set(both.map(([, thread]) => thread)).size).toBe(2);
    pool.dispose();
    pooled(2, { sound: (nth) => nth === 1, dieMs: 1000 });
    await pool.ready;
    expect((await echo('c'))[0]).toBe('c');
  });

  test('counts what waits but the urgent', async () => {
    pooled(1);
    await pool.ready;
    const asked = [echo('busy', 50), echo('waits'), echo('urgent', 0, { urgent: true })];
    expect(pool.waiting()).toBe(1);
    await Promise.all(asked);
  });

  test('refuses what it was doing, what waits and what comes, once it is disposed of', async () => {
    pooled(1);
    await pool.ready;
    const asked = [echo('busy', 20_000, { limitMs: 10_000 }), echo('waits')];
    pool.dispose();
    for (const refused of [...asked, echo('after')])
      await expect(refused).rejects.toMatchObject({ code: 'not_ready' });
  });

  test('is not held up by a thread whose successor cannot start', async () => {
    // The first dies when it is asked to; the third and fourth, in its place, cannot start.
    const { started } = pooled(2, { sound: (nth) => nth !== 3 && nth !== 4 });
    await expect(pool.ask({ method: 'die', values: [] })).rejects.toMatchObject({ code: 'internal' });
    for (let asked = 0; asked < 100; asked++) {
      expect((await echo('still', 5))[0]).toBe('still');
    }
    await vi.waitFor(() => expect(started()).toBe(5), 5000);
    const both = await Promise.all([echo('a', 50), echo('b', 50)]);
    expect(new Set(both.map(([, thread]) => thread)).size).toBe(2);
  });

  describe('whose clock goes faster', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });
    /** Lets the pauses pass until then, and adds them up; the threads live in real time. Milliseconds. */
    async function passing(until: () => void): Promise<number> {
      let passed = 0;
      const pass = () => {
        if (vi.getTimerCount() > 0) {
          vi.advanceTimersByTime(100);
          passed += 100;
        }
        until();
      };
      await vi.waitFor(pass, { timeout: 20_000, interval: 5 });
      return passed;
    }

    test('has hope as long as one thread could answer, though nobody asks it', async () => {
      const hopeless = vi.fn();
      const { started } = pooled(2, { sound: (nth) => nth === 1, hopeless });
      await passing(() => expect(started()).toBe(10)); // the second seat's ninth
      expect(hopeless).not.toHaveBeenCalled();
      expect((await echo('still'))[0]).toBe('still');
    });

    test('says where there is no hope, once, and does not start threads without pause', async () => {
      const hopeless = vi.fn();
      const { started } = pooled(1, { sound: () => false, hopeless });
      await expect(echo('asked')).rejects.toThrow('no memory');
      await expect(pool.ready).rejects.toThrow('no memory');
      expect(await passing(() => expect(hopeless).toHaveBeenCalled())).toBeGreaterThan(6000);
      expect(started()).toBe(8);
      expect(hopeless).toHaveBeenCalledTimes(1);
    });
  });
});
