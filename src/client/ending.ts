/** Longest that a timer waits, milliseconds; beyond it, it would not wait at all. */
const LONGEST_MS = 2 ** 31 - 1;

/** What ends a request before it is answered. */
export interface Ending {
  /** Aborted when the request is over; whoever waits for it then throws its reason. */
  signal: AbortSignal;
  /** Ends it after so many milliseconds; Infinity is never. */
  startClock(ms: number, reason: () => Error): void;
  stopClock(): void;
  /** Ends it, once. */
  end(reason?: unknown): void;
}

/**
 * Ends a request when its caller gives it up, when its time is over, or when it is told to.
 * @throws the caller's reason where it has given up already
 */
export function createEnding(caller: AbortSignal | undefined): Ending {
  caller?.throwIfAborted();
  const over = new AbortController();
  let clock: ReturnType<typeof setTimeout> | undefined;
  const end = (reason?: unknown) => {
    clearTimeout(clock);
    over.abort(reason);
  };
  return {
    signal: caller ? AbortSignal.any([caller, over.signal]) : over.signal,
    startClock(ms, reason) {
      if (ms <= LONGEST_MS) clock = setTimeout(() => end(reason()), ms);
    },
    stopClock: () => clearTimeout(clock),
    end,
  };
}
