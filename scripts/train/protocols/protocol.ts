import type { DataSet } from '../data/pack.js';

/** A part of what is tested that gets figures of its own. */
export interface Part {
  /** What it is, as the report's column "on" says it. */
  on: string;
  holds(set: DataSet, row: number): boolean;
  /** Changes scores, float32 [n, 7], before they are measured. */
  change?(scores: Float32Array): Float32Array;
}

/** One training run of a protocol, and what tests it. */
export interface Fold {
  name: string;
  /** Its splits: Training teaches, PublicTest chooses the epoch and fits the calibration. */
  set: DataSet;
}

/** How figures come about: on which pictures a network learns, is chosen and is measured. */
export interface Protocol {
  /** For people, one sentence or two. */
  about: string;
  /** The data sets it is for, by the names that prepare-data gives. */
  data: readonly string[];
  /** What stands on both sides, training's and test's, that should not; null where nothing does. */
  leaks: string | null;
  /** The runs that it trains; null where it measures weights that are given. */
  folds: ((set: DataSet, seed: number) => Fold[]) | null;
  /** The headline first. */
  parts: readonly Part[];
}

/** The pictures that each fold measures, all folds together. */
export const POOLED: readonly Part[] = [
  { on: 'all folds together', holds: (set, row) => set.splits[row] === 2 },
];

/** Folds by number, counted from 1. */
export const numbered = (sets: DataSet[]): Fold[] =>
  sets.map((set, at) => ({ name: `fold-${String(at + 1).padStart(2, '0')}`, set }));
