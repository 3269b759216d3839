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

type Box = RecognizedFace['box'];

/** Least overlap (intersection over union) of two frames' boxes of one face. */
const LEAST_OVERLAP = 0.3;

/** How far a face may move between two frames without having moved so before, in widths of its box. */
const FARTHEST = 1.5;

/** How many times as large, or as small, a face that moves so far may become. */
const LIKE_SIZE = 1.4;

/** Frames for which a face may be unseen, behind a hand perhaps, and keep its track. */
const PATIENCE = 5;

interface Track {
  id: number;
  box: Box;
  /** Where it is expected if it moves on as it did between the last two frames that it was seen in. */
  next: Box;
  scores: Map<string, number>;
  unseen: number;
}

/** How much speaks for a face being a track's; above 0 where it may be. */
type Likeness = (face: Box, track: Track) => number;

/** What tells, the surest first: a face goes on as it moves, or stays, or has jumped. */
const LIKENESSES: readonly Likeness[] = [
  (face, { next }) => enough(overlap(face, next)),
  (face, { box }) => enough(overlap(face, box)),
  (face, { box }) => (isLikeSize(face, box) ? Math.max(0, FARTHEST - distance(face, box)) : 0),
];

/**
 * Tracks by places. First come the faces that overlap by 0.3 of the union, most before less, with where a track would be if
 * it moved on; then those that overlap so with where it was; then those that are within one and a half widths of it and of
 * about its size. Two faces that cross keep their tracks. A face that is missing for more than five frames has a new track when it comes back.
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
    const found = new Map<RecognizedFace, Track>();
    const taken = new Set<Track>();
    for (const likeness of LIKENESSES) {
      const pairs = faces
        .flatMap((face) => tracks.map((track) => ({ face, track, like: likeness(face.box, track) })))
        .filter(({ like }) => like > 0)
        .sort((one, other) => other.like - one.like);
      for (const { face, track } of pairs) {
        if (found.has(face) || taken.has(track)) continue;
        found.set(face, track);
        taken.add(track);
      }
    }
    return found;
  }

  return {
    update(faces) {
      const found = matched(faces);
      const answered = faces.map((face) => {
        const { box } = face;
        const track = found.get(face) ?? { id: ++last, box, next: box, scores: new Map(), unseen: 0 };
        const expressions = smoothed(face.expressions, track.scores, smoothing);
        const frames = track.unseen + 1;
        track.next = {
          ...box,
          x: box.x + (box.x - track.box.x) / frames,
          y: box.y + (box.y - track.box.y) / frames,
        };
        track.box = box;
        track.scores = new Map(expressions.map(({ label, score }) => [label, score]));
        track.unseen = 0;
        found.set(face, track);
        return { ...face, track: track.id, expressions };
      });
      const seen = new Set(found.values());
      const unseen = tracks.filter((track) => !seen.has(track) && ++track.unseen <= PATIENCE);
      for (const track of unseen) track.next = furtherOn(track);
      tracks = [...seen, ...unseen];
      return answered;
    },
  };
}

/** Where a face that is not seen is expected next, if it moves on as it did. */
function furtherOn({ box, next, unseen }: Track): Box {
  return { ...next, x: next.x + (next.x - box.x) / unseen, y: next.y + (next.y - box.y) / unseen };
}

const enough = (overlap: number) => (overlap >= LEAST_OVERLAP ? overlap : 0);

const isLikeSize = (one: Box, other: Box) =>
  Math.max(one.width / other.width, other.width / one.width) <= LIKE_SIZE;

/** Between the middles of two boxes, in widths and heights of the second: the picture's ratios are not squares. */
function distance(one: Box, other: Box): number {
  const [x, y] = [
    one.x + one.width / 2 - other.x - other.width / 2,
    one.y + one.height / 2 - other.y - other.height / 2,
  ];
  return Math.hypot(x / other.width, y / other.height);
}

/** Intersection over union of two boxes, 0 to 1. */
function overlap(one: Box, other: Box): number {
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
