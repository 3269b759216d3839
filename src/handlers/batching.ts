import { CROP_BYTES } from '../model/architecture.js';
import { LABELS } from '../model/labels.js';
import type { Classifier, QueuedClassifier } from '../model/model.js';
import { ApiError } from './errors.js';

export interface BatchingOptions {
  /** Most crops of one inference. 1 batches nothing. */
  batchMax: number;
  /** How long the first crop may wait for others, milliseconds. 0 takes what is there already. */
  waitMs: number;
  /** Most crops that wait. A request may exceed it only where it finds the queue empty. */
  queueMax: number;
  /** Longest wait in the queue, milliseconds. */
  deadlineMs: number;
  /** Inferences that the classifier can do at a time, each in a thread of its own. Default 1. */
  parallel?: number;
  /** Hears of each inference: crops, what each piece of a request waited, and the inference, milliseconds. */
  onBatch?: (batch: { size: number; queueMs: number[]; inferMs: number }) => void;
}

/** A classifier with a queue. */
export interface Batcher extends QueuedClassifier {
  /** Crops that wait. */
  length(): number;
}

/** A request, or as much of it as fits into one batch. */
interface Piece {
  crops: Uint8Array;
  count: number;
  queued: number;
  /** Request that it belongs to: all its pieces leave the queue together when it is given up. */
  owner: object;
  resolve(scores: Float32Array): void;
  reject(error: unknown): void;
}

/**
 * Lets crops of concurrent requests share inferences. Pieces are served in order; each gets the rows of its own
 * crops. An inference that fails fails those in its batch alone.
 *
 * @throws (from `classify`) ApiError `queue_full`, `deadline_exceeded`; the signal's reason
 * @example
 * const batcher = createBatcher(classifier, { batchMax: 32, waitMs: 2, queueMax: 256, deadlineMs: 10_000 });
 * const scores = await batcher.classify(crops, { signal });
 */
export function createBatcher(classifier: Classifier | QueuedClassifier, options: BatchingOptions): Batcher {
  const { batchMax, waitMs, queueMax, deadlineMs, parallel = 1 } = options;
  let queue: Piece[] = [];
  let timer: NodeJS.Timeout | undefined;
  let soon: NodeJS.Immediate | undefined;
  let inferring = 0;
  const length = () => countOf(queue);

  /** Runs a batch soon, once all I/O that is due has had its turn: a full one does not wait for the timer. */
  function schedule(): void {
    if (queue.length === 0 || soon || inferring >= parallel) return;
    if (waitMs === 0 || length() >= batchMax) soon = setImmediate(run);
    else timer ??= setTimeout(run, waitMs);
  }

  function run(): void {
    clearTimeout(timer);
    if (soon) clearImmediate(soon);
    timer = soon = undefined;
    const batch = takeBatch();
    if (batch.length > 0) infer(batch);
    schedule();
  }

  /** The next pieces: as many crops as fit, but no more than a fair share where several threads are free. */
  function takeBatch(): Piece[] {
    const most = Math.min(batchMax, Math.ceil(length() / (parallel - inferring)));
    let end = 0;
    for (let size = 0; end < queue.length; end++) {
      size += (queue[end] as Piece).count;
      if (size > most && end > 0) break;
    }
    return queue.splice(0, end);
  }

  async function infer(batch: Piece[]): Promise<void> {
    const began = performance.now();
    inferring++;
    try {
      const scores = await classifyTogether(classifier, batch);
      for (const [index, piece] of batch.entries()) piece.resolve(scores[index] as Float32Array);
    } catch (error) {
      for (const piece of batch) piece.reject(error);
    }
    inferring--;
    const queueMs = batch.map(({ queued }) => began - queued);
    options.onBatch?.({ size: countOf(batch), queueMs, inferMs: performance.now() - began });
    schedule();
  }

  /** Cuts a request into pieces, of at most a batch and for all threads, and queues them. */
  function enqueue(crops: Uint8Array, owner: object): Promise<Float32Array>[] {
    const queued = performance.now();
    const promises: Promise<Float32Array>[] = [];
    const length = Math.min(batchMax, Math.ceil(crops.length / CROP_BYTES / parallel)) * CROP_BYTES;
    for (let from = 0; from < crops.length; from += length) {
      const part = crops.subarray(from, from + length);
      promises.push(
        new Promise((resolve, reject) => {
          queue.push({ crops: part, count: part.length / CROP_BYTES, queued, owner, resolve, reject });
        }),
      );
    }
    return promises;
  }

  function giveUp(owner: object, error: unknown): void {
    const [mine, others] = [
      queue.filter((piece) => piece.owner === owner),
      queue.filter((piece) => piece.owner !== owner),
    ];
    queue = others;
    for (const piece of mine) piece.reject(error);
  }

  return {
    length,
    async classify(crops, { signal } = {}) {
      signal?.throwIfAborted();
      const waiting = length();
      if (waiting > 0 && waiting + crops.length / CROP_BYTES > queueMax) {
        throw new ApiError('queue_full', 'Too many faces are waiting already.');
      }
      const owner = {};
      const scores = enqueue(crops, owner);
      const late = () => giveUp(owner, new ApiError('deadline_exceeded', 'It took too long to get a turn.'));
      const deadline = setTimeout(late, deadlineMs);
      const abort = () => giveUp(owner, signal?.reason);
      signal?.addEventListener('abort', abort);
      schedule();
      try {
        return joined(await Promise.all(scores));
      } finally {
        // A piece may have failed while others wait.
        giveUp(owner, undefined);
        clearTimeout(deadline);
        signal?.removeEventListener('abort', abort);
      }
    },
    dispose() {
      clearTimeout(timer);
      if (soon) clearImmediate(soon);
      for (const { owner } of [...queue])
        giveUp(owner, new ApiError('not_ready', 'The model is being put away.'));
      classifier.dispose();
    },
  };
}

const countOf = (pieces: readonly Piece[]) => pieces.reduce((sum, { count }) => sum + count, 0);

/** One inference of all pieces: each one's scores, in order. */
async function classifyTogether(
  classifier: Classifier | QueuedClassifier,
  pieces: readonly Piece[],
): Promise<Float32Array[]> {
  const crops = new Uint8Array(countOf(pieces) * CROP_BYTES);
  let filled = 0;
  for (const piece of pieces) {
    crops.set(piece.crops, filled);
    filled += piece.crops.length;
  }
  const scores = await classifier.classify(crops);
  let end = 0;
  return pieces.map(({ count }) => {
    const start = end;
    end += count * LABELS.length;
    return scores.slice(start, end);
  });
}

function joined(parts: Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0] as Float32Array;
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
