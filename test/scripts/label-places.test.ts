import { expect, test } from 'vitest';
import { placeLabels } from '../../scripts/lib/label-places.js';

test('a label with nothing around it stands above its point', () => {
  expect(placeLabels([{ x: 50, y: 80, text: 'alone' }])).toEqual([{ x: 50, y: 66 }]);
});

test('labels of neighbours hide neither each other nor a point', () => {
  const points = [
    { x: 100, y: 100, text: 'first' },
    { x: 108, y: 104, text: 'second' },
    { x: 104, y: 116, text: 'third' },
    { x: 300, y: 100, text: 'far' },
  ];
  const apart = (a: { x: number; y: number }, b: { x: number; y: number }, width: number, height: number) =>
    Math.abs(a.x - b.x) >= width || Math.abs(a.y - b.y) >= height;
  const widthOf = (i: number) => (points[i]?.text.length ?? 0) * 7;
  const clear = (places: { x: number; y: number }[]) =>
    places.every(
      (place, i) =>
        points.every((point) => apart(place, point, (widthOf(i) + 10) / 2, 12)) &&
        places.every((other, j) => i === j || apart(place, other, (widthOf(i) + widthOf(j)) / 2, 14)),
    );
  expect(clear(placeLabels(points))).toBe(true);
  expect(clear(points.map(({ x, y }) => ({ x, y: y - 14 })))).toBe(false); // the control: all above
});
