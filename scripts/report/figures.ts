import * as Plot from '@observablehq/plot';
import { LABELS, type Label } from '../../src/model/labels.js';
import { FIRST, SECOND, svg } from '../lib/drawing.js';
import { type Labelled, placeLabels } from '../lib/label-places.js';

/** Counts by truth (rows) and answer (columns), shaded by their share of the row. */
export function confusionFigure(confusion: number[][]): string {
  const cells = confusion.flatMap((row, truth) => {
    const sum = row.reduce((total, count) => total + count, 0);
    return row.map((count, answer) => ({
      truth: LABELS[truth],
      answer: LABELS[answer],
      count,
      share: sum > 0 ? count / sum : 0,
    }));
  });
  return svg({
    width: 520,
    height: 460,
    marginLeft: 80,
    marginTop: 50,
    x: { domain: LABELS, label: 'answer', axis: 'top' },
    y: { domain: LABELS, label: 'truth' },
    color: { type: 'linear', domain: [0, 1], scheme: 'Blues' },
    marks: [
      Plot.cell(cells, { x: 'answer', y: 'truth', fill: 'share', inset: 0.5 }),
      Plot.text(cells, {
        x: 'answer',
        y: 'truth',
        text: ({ count, share }: (typeof cells)[0]) => `${count}\n${Math.round(share * 100)} %`,
        fill: ({ share }: (typeof cells)[0]) => (share > 0.55 ? 'white' : 'black'),
      }),
    ],
  });
}

/** Values by epoch, a line a series; the last points bear the series' names. */
export function linesFigure(
  points: { epoch: number; value: number; series: string }[],
  label: string,
): string {
  const names = [...new Set(points.map(({ series }) => series))];
  const last = names.map((name) => points.filter(({ series }) => series === name).at(-1));
  return svg({
    width: 560,
    height: 300,
    marginLeft: 50,
    marginRight: 80,
    grid: true,
    x: { label: 'epoch', interval: 1, tickFormat: 'd', tickSpacing: 40 },
    y: { label, nice: true },
    color: { domain: names, range: [FIRST, SECOND] },
    marks: [
      Plot.line(points, { x: 'epoch', y: 'value', stroke: 'series' }),
      Plot.dot(points, { x: 'epoch', y: 'value', fill: 'series', r: 3 }),
      Plot.text(last, { x: 'epoch', y: 'value', text: 'series', fill: 'series', textAnchor: 'start', dx: 8 }),
    ],
  });
}

/** Precision and recall by label, as Figure 8 draws them; what is null is left out. */
export function precisionRecallFigure(
  perClass: Record<Label, { precision: number | null; recall: number | null }>,
): string {
  const bars = LABELS.flatMap((label) =>
    (['precision', 'recall'] as const).flatMap((measure) => {
      const value = perClass[label][measure];
      return value === null ? [] : [{ label, measure, value }];
    }),
  );
  return svg({
    width: 620,
    height: 340,
    marginTop: 40,
    marginBottom: 40,
    x: { axis: null },
    fx: { domain: LABELS, label: null, padding: 0.15 },
    y: {
      domain: [0, 1],
      grid: true,
      label: bars.some(({ measure }) => measure === 'recall')
        ? 'blue: precision; orange: recall'
        : 'precision',
    },
    color: { domain: ['precision', 'recall'], range: [FIRST, SECOND] },
    marks: [
      Plot.barY(bars, { fx: 'label', x: 'measure', y: 'value', fill: 'measure' }),
      Plot.text(bars, {
        fx: 'label',
        x: 'measure',
        y: 'value',
        text: ({ value }: (typeof bars)[0]) => value.toFixed(2).replace(/^0/, ''),
        dy: -7,
        fontSize: 11,
      }),
      Plot.ruleY([0]),
    ],
  });
}

/** How often the best label is right, by how sure its score is; the area of a dot is its number of faces. */
export function reliabilityFigure(
  bins: { count: number; score: number | null; accuracy: number | null }[],
): string {
  const filled = bins.filter(({ count }) => count > 0);
  return svg({
    width: 420,
    height: 420,
    marginLeft: 50,
    grid: true,
    x: { domain: [0, 1], label: 'mean score of the best label' },
    y: { domain: [0, 1], label: 'share that is right' },
    r: { range: [2, 14] },
    marks: [
      Plot.line(
        [
          [0, 0],
          [1, 1],
        ],
        { stroke: '#767676', strokeDasharray: '4 4' },
      ),
      Plot.line(filled, { x: 'score', y: 'accuracy', stroke: FIRST }),
      Plot.dot(filled, { x: 'score', y: 'accuracy', r: 'count', fill: FIRST, fillOpacity: 0.6 }),
    ],
  });
}

interface Measured {
  name: string;
  milliseconds: number;
  accuracy: number;
  ours: boolean;
}

/** The points' names beside them, in pixels, so that they are not in each other's way. */
const names = (points: Measured[]) =>
  Plot.text(
    points,
    Plot.initializer(
      { x: 'milliseconds', y: 'accuracy', text: 'name', fill: 'ours' },
      (data: Measured[], facets, _, { x, y }) => {
        const at = ({ name, milliseconds, accuracy }: Measured): Labelled => ({
          x: x?.(milliseconds),
          y: y?.(accuracy),
          text: name,
        });
        const places = placeLabels(data.map(at));
        const channel = (axis: 'x' | 'y') => ({ value: places.map((place) => place[axis]) });
        return { data, facets, channels: { x: channel('x'), y: channel('y') } };
      },
    ),
  );

const MILLISECONDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/** Accuracy against milliseconds, from the fastest on; ours blue, others orange. The axis begins and ends at a tick. */
export function frontierFigure(points: Measured[]): string {
  const times = points.map(({ milliseconds }) => milliseconds);
  const first = MILLISECONDS.findLastIndex((tick) => tick <= Math.min(...times));
  const last = MILLISECONDS.findIndex((tick) => tick >= Math.max(...times));
  const ticks = MILLISECONDS.slice(Math.max(0, first), last === -1 ? undefined : last + 1);
  return svg({
    width: 620,
    height: 420,
    marginLeft: 50,
    marginBottom: 42,
    marginRight: 40,
    grid: true,
    x: {
      type: 'log',
      label: 'milliseconds a face, logarithmic',
      labelOffset: 36,
      domain: [ticks[0], ticks.at(-1)],
      ticks,
      tickFormat: (value: number) => String(value),
    },
    y: { label: 'accuracy', nice: true },
    color: { domain: [true, false], range: [FIRST, SECOND] },
    marks: [Plot.dot(points, { x: 'milliseconds', y: 'accuracy', fill: 'ours', r: 4 }), names(points)],
  });
}
