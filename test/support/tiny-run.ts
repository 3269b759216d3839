import { readConfiguration } from '../../scripts/train/config.js';

/** A configuration that trains in a moment, two steps: nobody asks what it learns. */
export function tinyConfiguration() {
  const smoke = readConfiguration('scripts/train/configs/smoke.json');
  return {
    ...smoke,
    architecture: { ...smoke.architecture, side: 16, width: 0.25, groups: 1 },
    images: 28,
    stages: [{ side: 16, epochs: 1, batch: 14 }],
    preciseNorm: 28,
  };
}
