/** What BlazeFace says of one anchor: lengths in pixels, of its square input or of the picture. */
export interface Candidate {
  /** 0 to 1. */
  confidence: number;
  /** centre x, centre y, width, height, then x and y of the eye left in the picture, the eye right, the nose's tip and the mouth. */
  values: Float64Array;
}

export const INPUT_SIDE = 256;
/** The two grids of BlazeFace back: 16 x 16 cells with two anchors each, then 8 x 8 with six. */
const GRIDS = [
  { cells: 16, anchors: 2 },
  { cells: 8, anchors: 6 },
];
export const GRID_SIZES = GRIDS.map(({ cells, anchors }) => cells * cells * anchors);

/** Anchors are the cells' centres; their sizes are not used by this network. x, y in input pixels. */
const ANCHORS: [number, number][] = GRIDS.flatMap(({ cells, anchors }) =>
  Array.from({ length: cells * cells * anchors }, (_, index): [number, number] => {
    const cell = Math.floor(index / anchors);
    const stride = INPUT_SIDE / cells;
    return [((cell % cells) + 0.5) * stride, (Math.floor(cell / cells) + 0.5) * stride];
  }),
);

/** Box x, y, width, height, then six points: the eyes, the person's right one first, nose, mouth, and the ears. */
export const REGRESSION = 16;
/** All but the ears. */
const KEPT = 12;
/** MediaPipe's `min_suppression_threshold` for this network. */
const SAME_FACE_OVERLAP = 0.3;
/** Share of the smaller of two faces from which on the less sure one is left out. */
const MOST_COVERED = 0.5;

/**
 * Turns the network's raw output into candidates of at least `minConfidence`, best first.
 *
 * @param logits one for each of the 896 anchors
 * @param regression 16 for each anchor, offsets from the anchor's centre in input pixels
 */
export function decodeCandidates(
  logits: Float32Array,
  regression: Float32Array,
  minConfidence: number,
): Candidate[] {
  const candidates: Candidate[] = [];
  ANCHORS.forEach(([x, y], index) => {
    const confidence = 1 / (1 + Math.exp(-(logits[index] as number)));
    if (confidence < minConfidence) return;
    const raw = regression.subarray(index * REGRESSION, index * REGRESSION + KEPT);
    const values = Float64Array.from(raw, (value, at) =>
      at === 2 || at === 3 ? value : value + (at % 2 === 0 ? x : y),
    );
    candidates.push({ confidence, values });
  });
  return candidates.sort((a, b) => b.confidence - a.confidence);
}

/**
 * One candidate a face, best first: those that overlap the best are averaged into it, weighted by
 * confidence, as MediaPipe does. Each is made when it is asked for, since each goes over all that are left.
 *
 * @param candidates best first
 */
export function* mergeCandidates(candidates: Candidate[]): Generator<Candidate> {
  let rest = candidates;
  while (rest.length > 0) {
    const best = rest[0] as Candidate;
    const [same, others] = apart(best, rest);
    rest = others;
    const total = same.reduce((sum, { confidence }) => sum + confidence, 0);
    const values = best.values.map((_, at) =>
      same.reduce((sum, other) => sum + ((other.values[at] as number) * other.confidence) / total, 0),
    );
    yield { confidence: best.confidence, values };
  }
}

/** Candidates of the same face as the best, itself among them, and all others. */
function apart(best: Candidate, candidates: Candidate[]): [same: Candidate[], others: Candidate[]] {
  const [same, others]: [Candidate[], Candidate[]] = [[], []];
  for (const one of candidates) (one === best || isSameFace(best, one) ? same : others).push(one);
  return [same, others];
}

/** Whether two candidates are one face. */
export const isSameFace = (one: Candidate, other: Candidate): boolean =>
  overlap(one, other) > SAME_FACE_OVERLAP;

/**
 * Leaves out what lies mostly in a surer face, or a surer face in it: another scale's view of that face, or none.
 *
 * @param faces best first
 * @param confirm what each of the others turns out to be; undefined where it is no face
 */
export function* dropCovered(
  faces: Iterable<Candidate>,
  confirm: (face: Candidate) => Candidate | undefined = (face) => face,
): Generator<Candidate> {
  const kept: Candidate[] = [];
  const isCovered = (face: Candidate) =>
    kept.some((surer) => intersection(surer, face) > MOST_COVERED * Math.min(area(surer), area(face)));
  for (const found of faces) {
    const face = isCovered(found) ? undefined : confirm(found);
    if (!face || isCovered(face)) continue;
    kept.push(face);
    yield face;
  }
}

const area = ({ values }: Candidate) => (values[2] as number) * (values[3] as number);

/** Intersection over union of two boxes. */
function overlap(a: Candidate, b: Candidate): number {
  const shared = intersection(a, b);
  return shared / (area(a) + area(b) - shared);
}

function intersection(a: Candidate, b: Candidate): number {
  const [ax, ay, aw, ah] = a.values as unknown as [number, number, number, number];
  const [bx, by, bw, bh] = b.values as unknown as [number, number, number, number];
  const width = Math.min(ax + aw / 2, bx + bw / 2) - Math.max(ax - aw / 2, bx - bw / 2);
  const height = Math.min(ay + ah / 2, by + bh / 2) - Math.max(ay - ah / 2, by - bh / 2);
  return Math.max(0, width) * Math.max(0, height);
}
