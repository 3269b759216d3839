import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

/** Colours that people who see no red or green tell apart (Okabe and Ito). */
export const [FIRST, SECOND] = ['#0072b2', '#d55e00'] as const;

/** One drawing as SVG on white, readable on a light and on a dark page. */
export function svg(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<html></html>');
  const plot = Plot.plot({
    document,
    style: { background: 'white', color: 'black', fontFamily: 'system-ui, sans-serif', fontSize: '13px' },
    ...options,
  });
  const drawing = plot.tagName.toLowerCase() === 'svg' ? plot : plot.querySelector('svg:last-of-type');
  // Plot numbers its style classes at random.
  const text = (drawing as Element).outerHTML.replaceAll(/plot-[0-9a-f]{6,}/g, 'plot');
  return `${text.includes('xmlns="') ? text : text.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ')}\n`;
}
