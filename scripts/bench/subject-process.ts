import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../../src/assets/node.js';
import { MienError } from '../../src/model/errors.js';
import type { SubjectName } from './subjects/index.js';

/** What is asked of a subject's process, one thing at a time. */
export type Request =
  | { kind: 'classify'; crops: Uint8Array }
  /** One crop after the other, for at least so many milliseconds; the first is not counted. */
  | { kind: 'time'; crops: Uint8Array; milliseconds: number }
  | { kind: 'memory' };

/** What a turn has taken, a face. */
export interface Turn {
  /** By the clock: the median. */
  ms: number;
  /** On all processors, the process's other threads included: the mean. */
  processorMs: number;
}

/** What it answers: a loaded subject says that it is ready first. */
export type Answer = { value: unknown } | { error: string };

/**
 * A subject in a process of its own: ONNX Runtime has one number of threads a process, tfjs one current backend. It waits
 * while others are timed.
 */
export class SubjectProcess {
  readonly name: SubjectName;
  readonly #child: ChildProcess;

  private constructor(name: SubjectName, child: ChildProcess) {
    this.name = name;
    this.#child = child;
  }

  /**
   * @param model a model's folder
   * @throws {MienError} `backend_unavailable`, with the reason, where the subject does not load
   */
  static async start(name: SubjectName, model: string): Promise<SubjectProcess> {
    const child = fork(join(packageRoot(), 'scripts/bench/subject-worker.ts'), [name, model], {
      execArgv: ['--import', 'tsx'],
      serialization: 'advanced',
      // tfjs greets on both.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const subject = new SubjectProcess(name, child);
    try {
      await subject.#answer();
    } catch (error) {
      subject.stop();
      throw error;
    }
    return subject;
  }

  /** @returns float32 [n, 7] */
  classify = (crops: Uint8Array) => this.#ask<Float32Array>({ kind: 'classify', crops });

  time = (crops: Uint8Array, milliseconds: number) => this.#ask<Turn>({ kind: 'time', crops, milliseconds });

  /** @returns bytes of its WebAssembly memory, where it can tell */
  memory = () => this.#ask<number | undefined>({ kind: 'memory' });

  stop(): void {
    this.#child.kill();
  }

  async #ask<T>(request: Request): Promise<T> {
    this.#child.send(request);
    return (await this.#answer()) as T;
  }

  async #answer(): Promise<unknown> {
    const ended = new AbortController();
    const { signal } = ended;
    try {
      const answer = await Promise.race([
        once(this.#child, 'message', { signal }).then(([message]) => message as Answer),
        once(this.#child, 'exit', { signal }).then(
          ([code]): Answer => ({ error: `it has ended with ${code}` }),
        ),
      ]);
      if ('error' in answer) throw new MienError('backend_unavailable', answer.error);
      return answer.value;
    } finally {
      // Whichever has lost the race is no longer waited for.
      ended.abort();
    }
  }
}
