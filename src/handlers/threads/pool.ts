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

/** What it says once it has loaded what it needs: what it was asked until then it has not begun. */
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
  size: number;
  /**
   * Asks the next thread that is free.
   * @throws what the thread threw; `internal` where it died of it; ApiError `deadline_exceeded` where it waited or worked
   *   for too long; the signal's reason. A question that still waits then is not asked
   */
  ask(question: Question, options?: AskOptions): Promise<unknown>;
  /** Questions that wait for a thread. */
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

/**
 * Threads that answer questions, first come first served, the urgent ones before the others. One that dies fails what it
 * was doing, and another takes its place: at once, but after longer and longer pauses where that does not load.
 */
export function createPool({ size, start, hopeless }: PoolOptions): Pool {
  const waiting: Task[] = [];
  let disposed = false;
  let everLoaded = false;
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
    const pause = PAUSES[Math.min(seat.failures++, PAUSES.length - 1)] as number;
    log('error', 'A thread died; another takes its place.', { error: cause, inMs: pause });
    const task = free(seat);
    const message = `The thread that computed it died: ${cause.message}`;
    // It has not been begun, and where a thread has loaded another will.
    if (task && everLoaded && !seat.loaded) waiting.unshift(task);
    else task?.reject(new MienError('internal', message, { cause }));
    if (seat.failures === HOPELESS && seats.every(({ failures }) => failures >= HOPELESS)) hopeless?.();
    next();
    setTimeout(() => {
      fill(seat);
      next();
    }, pause).unref();
  }

  /** Nothing else ends what a thread computes. */
  function stop(seat: Seat): void {
    log('error', 'A thread took too long over what it was asked; another takes its place.');
    seat.worker?.terminate();
    free(seat)?.reject(new ApiError('deadline_exceeded', 'It takes too long.'));
    fill(seat);
    next();
  }

  function next(): void {
    for (const seat of seats) {
      if (seat.task || !seat.worker) continue;
      const task = waiting.shift();
      if (!task) return;
      seat.task = task;
      if (task.limitMs !== undefined) seat.limit = setTimeout(stop, task.limitMs, seat);
      seat.worker.postMessage(task.question);
    }
  }

  return {
    size,
    waiting: () => waiting.length,
    async ask(question, { signal, urgent = false, deadlineMs, limitMs } = {}) {
      signal?.throwIfAborted();
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
      for (const { worker } of seats) worker?.terminate();
    },
  };
}
