import type { Worker } from 'node:worker_threads';
import { MienError, type MienErrorCode } from '../../model/errors.js';
import { ApiError } from '../errors.js';
import { log } from '../log.js';

/** Pauses before another thread takes the place of so many that have not loaded, milliseconds. */
const PAUSES = [0, 100, 200, 400, 800, 1600, 3200, 6400];
/** Where each thread has failed to load so often, one after the other, there is no hope. */
const HOPELESS = PAUSES.length;

/** What a thread is asked: a method of its own, and its arguments. */
export interface Question {
  method: string;
  values: unknown[];
}

/** What it says once it can be asked. */
export const LOADED = 'loaded';

/** What it answers. An error of mien's keeps its code and details. */
export type Answer =
  | { result: unknown }
  | { error: { code: MienErrorCode; message: string; details: Record<string, unknown> | undefined } };

export interface AskOptions {
  signal?: AbortSignal | undefined;
  /** Goes before what is not: it ends what has begun. */
  urgent?: boolean;
  /** Longest wait for a thread, milliseconds. Default for ever. */
  deadlineMs?: number | undefined;
  /** Longest work of the thread, milliseconds: it is stopped then, and another takes its place. Default for ever. */
  limitMs?: number | undefined;
}

export interface PoolOptions {
  /** Threads. */
  size: number;
  start(): Worker;
  /** Hears, once, that no thread loads any more. */
  hopeless?: (() => void) | undefined;
}

export interface Pool {
  /** Every thread has loaded, or has been tried where another has. Rejects with why the first to end has not. */
  ready: Promise<void>;
  /**
   * Asks the next thread that is free.
   * @throws what the thread threw; `internal` where it died of it; ApiError `deadline_exceeded` where it waited for too
   *   long, `too_much_work` where the thread worked for too long, `not_ready` where the pool is disposed of; the signal's
   *   reason. A question that still waits then is not asked
   */
  ask(question: Question, options?: AskOptions): Promise<unknown>;
  /** Questions that wait for a thread, without the urgent ones. */
  waiting(): number;
  dispose(): void;
}

interface Task {
  question: Question;
  urgent: boolean;
  limitMs: number | undefined;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** One thread, which does one thing at a time; none for a while after one that died at once. */
interface Seat {
  worker: Worker | undefined;
  task: Task | undefined;
  loaded: boolean;
  /** One after the other that have not loaded. */
  failures: number;
  /** Stops it. */
  limit?: NodeJS.Timeout | undefined;
}

const putAway = () => new ApiError('not_ready', 'The threads have been put away.');

/**
 * Threads that answer questions, first come first served, the urgent ones before the others. One that dies fails what it
 * was doing, and another takes its place: at once, but after longer and longer pauses where that does not load.
 */
export function createPool({ size, start, hopeless }: PoolOptions): Pool {
  const waiting: Task[] = [];
  let disposed = false;
  let everLoaded = false;
  let allLoaded = () => {};
  let noneLoaded = (_why: Error) => {};
  const ready = new Promise<void>((resolve, reject) => {
    allLoaded = resolve;
    noneLoaded = reject;
  });
  ready.catch(() => {}); // whoever waits for it hears of it
  const seats = Array.from({ length: size }, () =>
    fill({ worker: undefined, task: undefined, loaded: false, failures: 0 }),
  );

  function fill(seat: Seat): Seat {
    if (disposed) return seat;
    const worker = start();
    seat.worker = worker;
    const own = <T>(then: (seat: Seat, value: T) => void) => {
      return (value: T) => {
        if (seat.worker === worker) then(seat, value);
      };
    };
    seat.loaded = false;
    const hear = own<Answer | typeof LOADED>((_, said) => {
      if (said === LOADED) welcome(seat);
      else settle(seat, said);
    });
    const exit = own<number>((_, code) => die(seat, new Error(`exit ${code}`)));
    worker.on('message', hear).on('error', own<Error>(die)).on('exit', exit);
    return seat;
  }

  function welcome(seat: Seat): void {
    seat.loaded = everLoaded = true;
    seat.failures = 0;
    next();
    announce();
  }

  /** All are ready where one is and the others have been tried. */
  function announce(): void {
    if (everLoaded && seats.every(({ loaded, failures }) => loaded || failures > 0)) allLoaded();
  }

  /** What it was doing is over. */
  function free(seat: Seat): Task | undefined {
    const { task } = seat;
    clearTimeout(seat.limit);
    seat.task = undefined;
    return task;
  }

  function settle(seat: Seat, answer: Answer): void {
    const task = free(seat);
    if ('error' in answer) {
      const { code, message, details } = answer.error;
      task?.reject(new MienError(code, message, details ? { details } : {}));
    } else task?.resolve(answer.result);
    next();
  }

  function die(seat: Seat, cause: Error): void {
    if (disposed) return;
    seat.worker = undefined; // so that the exit which follows an error is not another death
    seat.loaded = false;
    const pause = PAUSES[Math.min(seat.failures++, PAUSES.length - 1)] as number;
    log('error', 'A thread died; another takes its place.', { error: cause, inMs: pause });
    const message = `The thread that computed it died: ${cause.message}`;
    free(seat)?.reject(new MienError('internal', message, { cause }));
    if (!everLoaded) {
      noneLoaded(cause);
      rejectWaiting(new MienError('internal', `No thread loads: ${cause.message}`, { cause }));
    }
    announce();
    if (seat.failures === HOPELESS && seats.every(({ failures }) => failures >= HOPELESS)) hopeless?.();
    setTimeout(fill, pause, seat).unref();
  }

  function rejectWaiting(error: Error): void {
    for (const task of waiting.splice(0)) task.reject(error);
  }

  /** Nothing else ends what a thread computes. */
  function stop(seat: Seat): void {
    log('error', 'A thread took too long over what it was asked; another takes its place.');
    seat.worker?.terminate();
    const task = free(seat);
    task?.reject(
      new ApiError('too_much_work', `It takes longer than ${task.limitMs} ms.`, {
        details: { limitMs: task.limitMs },
      }),
    );
    fill(seat);
  }

  function next(): void {
    for (const seat of seats) {
      if (seat.task || !seat.loaded) continue;
      const task = waiting.shift();
      if (!task) return;
      seat.task = task;
      if (task.limitMs !== undefined) seat.limit = setTimeout(stop, task.limitMs, seat);
      seat.worker?.postMessage(task.question);
    }
  }

  return {
    ready,
    waiting: () => waiting.filter(({ urgent }) => !urgent).length,
    async ask(question, { signal, urgent = false, deadlineMs, limitMs } = {}) {
      signal?.throwIfAborted();
      if (disposed) throw putAway();
      let task: Task | undefined;
      /** Whether it still waited. */
      const leave = () => {
        const place = waiting.indexOf(task as Task);
        if (place >= 0) waiting.splice(place, 1);
        return place >= 0;
      };
      const abort = () => {
        leave();
        task?.reject(signal?.reason);
      };
      const late = () => {
        if (leave()) task?.reject(new ApiError('deadline_exceeded', 'It took too long to get a turn.'));
      };
      const deadline = deadlineMs === undefined ? undefined : setTimeout(late, deadlineMs);
      signal?.addEventListener('abort', abort);
      try {
        return await new Promise((resolve, reject) => {
          task = { question, urgent, limitMs, resolve, reject };
          const behind = urgent ? waiting.findLastIndex((one) => one.urgent) + 1 : waiting.length;
          waiting.splice(behind, 0, task);
          next();
        });
      } finally {
        clearTimeout(deadline);
        signal?.removeEventListener('abort', abort);
      }
    },
    dispose() {
      disposed = true;
      for (const seat of seats) {
        seat.worker?.terminate();
        free(seat)?.reject(putAway());
      }
      rejectWaiting(putAway());
      noneLoaded(putAway());
    },
  };
}
