import { MienError } from '../../src/model/errors.js';
import { type Quartiles, quartiles } from '../lib/statistics.js';
import { SubjectProcess, type Turn } from './subject-process.js';
import { type SubjectName, subjectKind } from './subjects/index.js';

/** Largest difference of a probability between subjects that compute the same network. */
const TOLERANCE = 1e-4;

export interface RaceOptions {
  subjects: readonly SubjectName[];
  /** The model's folder. */
  model: string;
  crops: Uint8Array;
  rounds: number;
  /** How long a subject is timed in a round. */
  milliseconds: number;
}

export interface Contestant {
  name: SubjectName;
  /** Milliseconds a face by the clock, of all rounds, and over the baseline's, round by round. */
  ms: Quartiles;
  ratio: Quartiles;
  /** The same of the time on all processors: what else they do meanwhile counts less. */
  processorMs: Quartiles;
  processorRatio: Quartiles;
  /** Bytes of its WebAssembly memory after all rounds, where it can tell. */
  memory: number | undefined;
}

export interface Race {
  contestants: Contestant[];
  /** Who did not take part, and why. */
  absent: { name: SubjectName; reason: string }[];
}

/** How long each runs before anything counts, milliseconds: V8 compiles what is used again, on threads of its own. */
const WARM_UP = 1000;

/** What ratios are to. */
export const BASELINE: SubjectName = 'onnxruntime-web-1';

/**
 * Times subjects in turn, round after round, so that whatever else the machine does meets all of them. Each starts
 * another round.
 */
export async function takeTurns<S extends Pick<SubjectProcess, 'time'>>(
  subjects: readonly S[],
  { crops, rounds, milliseconds }: Pick<RaceOptions, 'crops' | 'rounds' | 'milliseconds'>,
): Promise<Map<S, Turn[]>> {
  for (const subject of subjects) await subject.time(crops, WARM_UP);
  const turns = new Map(subjects.map((subject) => [subject, [] as Turn[]]));
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < subjects.length; turn++) {
      const subject = subjects[(turn + round) % subjects.length] as S;
      turns.get(subject)?.push(await subject.time(crops, milliseconds));
    }
  return turns;
}

/**
 * Subjects take turns, after those that compute the same network have been seen to answer alike.
 *
 * @throws {MienError} `internal` where two that compute the same network answer differently
 */
export async function race({ subjects, model, crops, rounds, milliseconds }: RaceOptions): Promise<Race> {
  const started: SubjectProcess[] = [];
  const absent: Race['absent'] = [];
  try {
    for (const name of subjects) {
      try {
        started.push(await SubjectProcess.start(name, model));
      } catch (error) {
        if (!MienError.is(error) || error.code !== 'backend_unavailable') throw error;
        absent.push({ name, reason: error.message });
      }
    }
    await checkAgreement(started, crops);
    const turns = await takeTurns(started, { crops, rounds, milliseconds });
    const baseline = turns.get(started.find(({ name }) => name === BASELINE) as SubjectProcess);
    const contestants: Contestant[] = [];
    for (const [subject, taken] of turns) {
      const of = (kind: keyof Turn) => quartiles(taken.map((turn) => turn[kind]));
      const over = (kind: keyof Turn) =>
        quartiles(taken.map((turn, round) => turn[kind] / (baseline?.[round]?.[kind] ?? Number.NaN)));
      contestants.push({
        name: subject.name,
        ms: of('ms'),
        ratio: over('ms'),
        processorMs: of('processorMs'),
        processorRatio: over('processorMs'),
        memory: await subject.memory(),
      });
    }
    return { contestants, absent };
  } finally {
    for (const subject of started) subject.stop();
  }
}

/**
 * Has the subjects that compute the same network answer the same crops.
 * @throws {MienError} `internal` where one differs from the first
 */
export async function checkAgreement(
  subjects: readonly Pick<SubjectProcess, 'name' | 'classify'>[],
  crops: Uint8Array,
): Promise<void> {
  const [first, ...others] = subjects.filter(({ name }) => !subjectKind(name).peer);
  const wanted = await first?.classify(crops);
  for (const other of others) {
    const scores = await other.classify(crops);
    const difference = Math.max(...scores.map((score, i) => Math.abs(score - (wanted?.[i] as number))));
    if (!(difference <= TOLERANCE))
      throw new MienError(
        'internal',
        `${other.name} differs from ${first?.name} by ${difference}: they do not compute the same`,
      );
  }
}
