import { MienError } from '../../src/model/errors.js';
import { frontierFigure } from './figures.js';
import { type Inputs, settingOf } from './inputs.js';
import { percent, picture, type Section, table } from './markdown.js';

/** Accuracy against milliseconds: networks of ours by side and groups, and what users could pick instead. */
export function frontierSection({ frontier: { files, latency } }: Inputs): Section {
  if (!latency || files.size === 0)
    return {
      figures: {},
      text: `## Accuracy against milliseconds

Not measured: networks of several sides and groups have not been trained in full yet. Their metrics files, and those of what
users could pick instead, go to \`docs/metrics/frontier/\`, with \`latency.json\` beside them.
`,
    };
  const points = [...files].map(([name, { results, architecture }]) => {
    const row = latency.rows.find((own) => own.name === name);
    if (!row) throw new MienError('invalid_data', `docs/metrics/frontier/latency.json has no row ${name}`);
    const [headline] = results as [(typeof results)[0]];
    return {
      name,
      milliseconds: row.milliseconds,
      accuracy: headline.accuracy,
      ours: architecture !== null,
    };
  });
  points.sort((a, b) => a.milliseconds - b.milliseconds);
  return {
    figures: { frontier: frontierFigure(points) },
    text: `## Accuracy against milliseconds

Accuracy on ${settingOf('frontier', files)}. A face, batch 1, ${latency.backend}, measured in turns: ${latency.command}; ${latency.machine}.

${table(
  ['network', 'ms', 'accuracy %'],
  points.map(({ name, milliseconds, accuracy }) => [name, milliseconds.toFixed(1), percent(accuracy)]),
)}

${picture('frontier', 'Accuracy against milliseconds a face')}
`,
  };
}
