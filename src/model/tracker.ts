/** Follows faces from one frame of a video to the next, and calms their scores. */
import type { Expression, RecognizedFace } from './recognizer.js';

/** A face of a frame that is the same person's, as far as places tell, wherever `track` is the same. */
export interface TrackedFace extends RecognizedFace {
  /** From 1, in the order of first appearance. */
  track: number;
}

export interface TrackerOptions {
  /**
   * Weight of what was before, 0 to below 1: of a label's score p in this frame and s in the last is answered
   * `smoothing * s + (1 - smoothing) * p` (exponential smoothing). Default 0: each frame stands for itself.
   */
  smoothing?: number;
}

export interface Tracker {
  /** @param faces those of the next frame */
  update(faces: readonly RecognizedFace[]): TrackedFace[];
}

/** Least overlap (intersection over union) of two frames' boxes of one face. */
const LEAST_OVERLAP = 0.3;

/** Frames for which a face may be unseen, behind a hand perhaps, and keep its track. */
const PATIENCE = 5;

interface Track {
  id: number;
  box: RecognizedFace['box'];
  scores: Map<string, number>;
  unseen: number;
}

/**
 * Tracks by overlap: the two boxes that overlap most are one face's, then the next two, as long as they overlap by
 * 0.3 of their union. A face that is missing for more than five frames has a new track when it comes back.
 *
 * @example
 * const tracker = createTracker({ smoothing: 0.7 });
 * for (const frame of frames) draw(tracker.update((await recognizer.recognize(frame)).faces));
 */
export function createTracker({ smoothing = 0 }: TrackerOptions = {}): Tracker {
  let tracks: Track[] = [];
  let last = 0;

  /** The track of each face that has one. */
  function matched(faces: readonly RecognizedFace[]): Map<RecognizedFace, Track> {
    const pairs = faces
      .flatMap((face) => tracks.map((track) => ({ face, track, overlap: overlap(face.box, track.box) })))
      .filter((pair) => pair.overlap >= LEAST_OVERLAP)
      .sort((one, other) => other.overlap - one.overlap);
    const found = new Map<RecognizedFace, Track>();
    const taken = new Set<Track>();
    for (const { face, track } of pairs) {
      if (found.has(face) || taken.has(track)) continue;
      found.set(face, track);
      taken.add(track);
    }
    return found;
  }

  return {
    update(faces) {
      const found = matched(faces);
      const answered = faces.map((face) => {
        const track = found.get(face) ?? { id: ++last, box: face.box, scores: new Map(), unseen: 0 };
        const expressions = smoothed(face.expressions, track.scores, smoothing);
        track.box = face.box;
        track.scores = new Map(expressions.map(({ label, score }) => [label, score]));
        track.unseen = 0;
        found.set(face, track);
        return { ...face, track: track.id, expressions };
      });
      const seen = new Set(found.values());
      const unseen = tracks.filter((track) => !seen.has(track) && ++track.unseen <= PATIENCE);
      tracks = [...seen, ...unseen];
      return answered;
    },
  };
}

/** Intersection over union of two boxes, 0 to 1. */
function overlap(one: RecognizedFace['box'], other: RecognizedFace['box']): number {
  const width = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const height = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (one.width * one.height + other.width * other.height - both);
}

function smoothed(now: readonly Expression[], before: Map<string, number>, smoothing: number): Expression[] {
  return now
    .map(({ label, score }) => ({
      label,
      score: smoothing * (before.get(label) ?? score) + (1 - smoothing) * score,
    }))
    .sort((one, other) => other.score - one.score);
}
