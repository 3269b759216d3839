import { AS_LEARNED } from '../../scripts/train/calibrate.js';
import type { MetricsFile } from '../../scripts/train/metrics-files.js';
import { PROTOCOLS, type ProtocolName } from '../../scripts/train/protocols/index.js';
import { metricsOf } from '../../scripts/train/protocols/tested.js';
import type { Subject } from '../../scripts/train/subject.js';
import { formatArchitecture } from '../../src/model/architecture.js';
import { table1 } from '../../src/model/table1.js';
import { people } from './people.js';

/** A metrics file as the commands make it, of scores that are right for all pictures but a tenth. */
export function exampleMetrics(
  name: string,
  { protocol = 'jaffe-by-subject', ...more }: Partial<Subject> & { protocol?: ProtocolName } = {},
): MetricsFile {
  const { about, leaks, parts, data } = PROTOCOLS[protocol];
  const set = people(4, 5);
  set.splits.fill(2);
  const rows = [...set.labels.keys()];
  const scores = Float32Array.from(
    rows.flatMap((row) => {
      const answer = ((set.labels[row] as number) + Number(row % 10 === 0)) % 7;
      return [0, 1, 2, 3, 4, 5, 6].map((label) => (label === answer ? 0.88 : 0.02));
    }),
  );
  const architecture = JSON.parse(formatArchitecture(table1({ side: 96 })));
  const subject: Subject = {
    name,
    version: null,
    weights: 'ab',
    calibrated: false,
    architecture,
    cost: { parameters: 1234567, macs: 250_000_000 },
    training: {
      commit: 'abc',
      config: { seed: 1, stages: [{ side: 96, epochs: 2, batch: 64 }] },
      history: [1, 2].map((epoch) => ({
        ...{ epoch, step: 100 * epoch, side: 96, loss: 1 / epoch, publicLoss: 1.1 / epoch },
        ...{ publicAccuracy: 0.3 * epoch, trainAccuracy: 0.4 * epoch, seconds: 1800 },
      })),
      engine: { engine: 'torch', device: 'NVIDIA T4', parameters: 1, macs: 1 },
    },
    scored: { by: 'plan', on: 'wasm', precision: 'float32' },
    score: () => Promise.reject(new Error('is scored already')),
    ...more,
  };
  const halves = [0, 1].map((half) => {
    const own = rows.filter((row) => row % 2 === half);
    return {
      ...{ name: `fold-0${half + 1}`, set, rows: own, calibration: AS_LEARNED, weights: subject.weights },
      scores: Float32Array.from(own.flatMap((row) => [...scores.subarray(7 * row, 7 * row + 7)])),
    };
  });
  const index = { name: data[0], images: 'cd', count: rows.length } as never;
  return metricsOf({
    ...{ subject, name, parts, index, tta: 'none', trial: false, folds: halves },
    protocol: { name: protocol, about, leaks },
  });
}
