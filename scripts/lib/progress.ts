/** A progress line on stderr: rewritten in place on a terminal, at most one line every ten seconds elsewhere. */
export class Progress {
  readonly #title: string;
  readonly #total: number;
  readonly #start = performance.now();
  #last = 0;

  constructor(title: string, total: number) {
    this.#title = title;
    this.#total = total;
  }

  /** Says that `done` of the total are done; `note` is shown behind. */
  update(done: number, note = ''): void {
    const now = performance.now();
    const finished = done >= this.#total;
    if (!finished && now - this.#last < (process.stderr.isTTY ? 100 : 10_000)) return;
    this.#last = now;
    const seconds = (now - this.#start) / 1000;
    const left = done > 0 ? Math.round((seconds / done) * (this.#total - done)) : 0;
    const share = Math.floor((100 * done) / Math.max(1, this.#total));
    const line = `${this.#title} ${done}/${this.#total} ${share}% ${Math.round(seconds)}s, ${left}s left ${note}`;
    process.stderr.write(
      process.stderr.isTTY ? `\r\x1b[K${line}${finished ? '\n' : ''}` : `${line.trimEnd()}\n`,
    );
  }
}
