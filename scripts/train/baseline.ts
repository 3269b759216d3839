import { z } from 'zod';
import { LABELS } from '../../src/model/labels.js';
import { INPUT } from '../../src/model/table1.js';

const fields = {
  side: z.number().int().positive(),
  /** Channels of the first layer (ResNet), or of each of its branches (parallel); see engines/torch/baselines.py. */
  width: z.number().int().positive(),
  /** Dropout on the features. */
  dropout: z.number().min(0).max(1),
};

/**
 * A network that the paper compares its own with (Table 4). Only the torch engine knows it: it is trained to be compared
 * with, or to teach, and never served.
 */
export const baseline = z.discriminatedUnion('baseline', [
  z.strictObject({ baseline: z.literal('parallel'), ...fields }),
  /** `stem`: stride of the first convolution. */
  z.strictObject({ baseline: z.literal('resnet'), stem: z.literal([1, 2]), ...fields }),
]);

export type Baseline = z.infer<typeof baseline>;

/** Its architecture.json: all that the torch engine knows of it. */
export const formatBaseline = (description: Baseline): string =>
  `${JSON.stringify({ ...description, labels: LABELS, input: INPUT, epsilon: 1e-5 }, null, 1)}\n`;
