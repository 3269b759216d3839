/**
 * Gives turns, first come first served, one each time round Node's event loop. Photos are worked on without a break, so
 * many that come at once would otherwise keep everybody else, health checks too, waiting for all of them.
 */
export function createTurns(): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => new Promise<void>((resolve) => setImmediate(resolve)));
    return last;
  };
}
