import { calibrationSection } from './calibration.js';
import { costSection } from './cost.js';
import { fer2013Section } from './fer2013.js';
import type { Inputs } from './inputs.js';
import type { Section } from './markdown.js';
import { ckplusSection, jaffeSection, zeroShotSection } from './other-sets.js';
import { PAPER } from './paper.js';
import { ablationSection, choicesSection, frontierSection } from './sweeps.js';
import { trainingSection } from './training.js';

const SECTIONS: ((inputs: Inputs) => Section)[] = [
  fer2013Section,
  trainingSection,
  calibrationSection,
  ckplusSection,
  jaffeSection,
  zeroShotSection,
  ablationSection,
  choicesSection,
  costSection,
  frontierSection,
];

const introduction = ({ models: [{ title, metrics }] }: Inputs) => `# Report

Written by \`npm run report\` from the metrics files of \`models/\` and \`docs/metrics/\`: ours is ${title}, scored on the
${metrics.backend} plan as served, without test-time averaging, unless a row says otherwise. The weights were chosen on PublicTest;
[experiments.md](experiments.md) says when the test images were read, and what for.

The paper is ${PAPER}.
`;

/** The whole text, and the drawings that it shows, by name. */
export function makeReport(inputs: Inputs): Section {
  const sections = SECTIONS.map((section) => section(inputs));
  return {
    text: [introduction(inputs), ...sections.map(({ text }) => text)].filter(Boolean).join('\n'),
    figures: Object.assign({}, ...sections.map(({ figures }) => figures)),
  };
}
