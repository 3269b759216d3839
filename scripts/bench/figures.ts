import * as Plot from '@observablehq/plot';
import { FIRST, SECOND, svg } from '../lib/drawing.js';
import type { Accuracy } from './accuracy.js';
import type { SidedRace } from './inference.js';
import { type SubjectName, subjectKind } from './subjects/index.js';

const OTHERS = '#767676';

/** A subject's title without what Markdown makes bold. */
const plainTitle = (name: SubjectName) => subjectKind(name).title.replaceAll('*', '');
const ours = (name: SubjectName) => name === 'plan' || name === 'node';

/** Milliseconds a face of each subject that computes the same network, over onnxruntime-web's with one thread, by side. */
export function ratiosFigure(races: readonly SidedRace[]): string {
  const bars = races.flatMap(({ side, contestants }) =>
    contestants
      .filter(({ name }) => !subjectKind(name).peer)
      .map(({ name, ratio }) => ({
        side: `side ${side}`,
        title: plainTitle(name),
        ratio: ratio.median,
        ours: ours(name),
      })),
  );
  const titles = [...new Set(bars.map(({ title }) => title))];
  return svg({
    width: 760,
    height: 70 + races.length * (24 + titles.length * 20),
    marginLeft: 260,
    marginRight: 80,
    marginBottom: 45,
    x: { grid: true, label: 'time a face, over that of onnxruntime-web in one thread' },
    y: { domain: titles, label: null },
    fy: { domain: races.map(({ side }) => `side ${side}`), label: null, padding: 0.15 },
    marks: [
      Plot.barX(bars, {
        x: 'ratio',
        y: 'title',
        fy: 'side',
        fill: (bar: (typeof bars)[0]) => (bar.ours ? FIRST : OTHERS),
        inset: 1,
      }),
      Plot.ruleX([0]),
      Plot.ruleX([1], { stroke: SECOND, strokeDasharray: '4 4' }),
      Plot.text(bars, {
        x: 'ratio',
        y: 'title',
        fy: 'side',
        stroke: 'white',
        strokeWidth: 4,
        fill: 'black',
        text: ({ ratio }: (typeof bars)[0]) => ratio.toFixed(2),
        textAnchor: 'start',
        dx: 4,
        fontSize: 11,
      }),
    ],
  });
}

/** How often each is right on FER2013's test images, by how long it takes. */
export function accuracyFigure(accuracies: readonly Accuracy[]): string {
  const dots = accuracies.map(({ name, ms, metrics }) => ({
    title: plainTitle(name),
    ms: ms.median,
    accuracy: metrics.accuracy * 100,
    ours: ours(name),
  }));
  return svg({
    width: 620,
    height: 320,
    marginLeft: 50,
    marginRight: 40,
    marginBottom: 45,
    grid: true,
    x: {
      domain: [0, 1.25 * Math.max(...dots.map(({ ms }) => ms))],
      label: 'milliseconds a face, wasm, one thread',
    },
    y: { domain: [50, 80], label: 'accuracy on the 7178 test images, %' },
    marks: [
      Plot.dot(dots, {
        x: 'ms',
        y: 'accuracy',
        r: 6,
        fill: (dot: (typeof dots)[0]) => (dot.ours ? FIRST : OTHERS),
      }),
      Plot.text(dots, {
        x: 'ms',
        y: 'accuracy',
        text: ({ title, accuracy }: (typeof dots)[0]) => `${title}: ${accuracy.toFixed(1)}`,
        dy: -14,
      }),
    ],
  });
}
