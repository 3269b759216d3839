/** A point of a drawing and what stands beside it; pixels. */
export interface Labelled {
  x: number;
  y: number;
  text: string;
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Of a label at 13 pixels, by its number of characters; of a dot with some air. */
const CHARACTER = 7;
const LINE = 14;
const DOT = 10;

const overlap = (a: Box, b: Box) => along(a.x, a.width, b.x, b.width) * along(a.y, a.height, b.y, b.height);
const along = (a: number, one: number, b: number, other: number) =>
  Math.max(0, (one + other) / 2 - Math.abs(a - b));

/**
 * The middle of each label, where it hides least of the dots and of the labels before it: above its point, below, right or
 * left of it.
 */
export function placeLabels(points: Labelled[]): { x: number; y: number }[] {
  const taken: Box[] = points.map(({ x, y }) => ({ x, y, width: DOT, height: DOT }));
  return points.map(({ x, y, text }) => {
    const [width, height] = [text.length * CHARACTER, LINE];
    const aside = (width + DOT) / 2 + 3;
    const places = [
      { x, y: y - LINE },
      { x, y: y + LINE },
      { x: x + aside, y },
      { x: x - aside, y },
    ].map((middle) => ({ ...middle, width, height }));
    const hidden = places.map((place) => taken.reduce((sum, box) => sum + overlap(place, box), 0));
    const best = places[hidden.indexOf(Math.min(...hidden))] as Box;
    taken.push(best);
    return { x: best.x, y: best.y };
  });
}
