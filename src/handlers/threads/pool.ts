import type { Worker } from 'node:worker_threads';
import { MienError, type MienErrorCode } from '../../model/errors.js';
import { log } from '../log.js';

/** What a thread is asked: a method of its own, and its arguments. */
export interface Question {
  method: string;
  values: unknown[];
}

/** What it answers. An error of mien's keeps its code and details. */
export type Answer =
  | { result: unknown }
  | { error: { code: MienErrorCode; message: string; details: Record<string, unknown> | undefined } };

export interface AskOptions {
  signal?: AbortSignal | undefined;
  /** Goes before what is not: it ends what has begun. */
  urgent?: boolean;
}

export interface Pool {
  size: number;
  /**
   * Asks the next thread that is free.
   * @throws what the thread threw; `internal` where it died of it; the signal's reason, after which a question that still
   *   waits is not asked
   */
  ask(question: Question, options?: AskOptions): Promise<unknown>;
  dispose(): void;
}

interface Task {
  question: Question;
  urgent: boolean;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** One thread, which does one thing at a time. */
interface Seat {
  worker: Worker;
  task: Task | undefined;
}

/**
 * Threads that answer questions, first come first served, the urgent ones before the others. One that dies fails what it
 * was doing, and another takes its place.
 */
export function createPool(size: number, start: () => Worker): Pool {
  const waiting: Task[] = [];
  let disposed = false;
  const seats = Array.from({ length: size }, () => fill({ task: undefined } as Seat));

  function fill(seat: Seat): Seat {
    const worker = start();
    seat.worker = worker;
    worker.on('message', (answer: Answer) => settle(seat, answer));
    worker.on('error', (cause) => die(seat, cause));
    worker.on('exit', (code) => {
      if (seat.worker === worker) die(seat, new Error(`exit ${code}`));
    });
    return seat;
  }

  function settle(seat: Seat, answer: Answer): void {
    const { task } = seat;
    seat.task = undefined;
    if ('error' in answer) {
      const { code, message, details } = answer.error;
      task?.reject(new MienError(code, message, details ? { details } : {}));
    } else task?.resolve(answer.result);
    next();
  }

  function die(seat: Seat, cause: Error): void {
    if (disposed) return;
    log('error', 'A thread died; another takes its place.', { error: cause });
    seat.task?.reject(new MienError('internal', 'The thread that computed it died.', { cause }));
    seat.task = undefined;
    fill(seat);
    next();
  }

  function next(): void {
    for (const seat of seats) {
      if (seat.task) continue;
      const task = waiting.shift();
      if (!task) return;
      seat.task = task;
      seat.worker.postMessage(task.question);
    }
  }

  return {
    size,
    async ask(question, { signal, urgent = false } = {}) {
      signal?.throwIfAborted();
      let task: Task | undefined;
      const abort = () => {
        const place = waiting.indexOf(task as Task);
        if (place >= 0) waiting.splice(place, 1);
        task?.reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort);
      try {
        return await new Promise((resolve, reject) => {
          task = { question, urgent, resolve, reject };
          const behind = urgent ? waiting.findLastIndex((one) => one.urgent) + 1 : waiting.length;
          waiting.splice(behind, 0, task);
          next();
        });
      } finally {
        signal?.removeEventListener('abort', abort);
      }
    },
    dispose() {
      disposed = true;
      for (const { worker } of seats) worker.terminate();
    },
  };
}
