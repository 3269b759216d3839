import type { Epoch } from '../train/training-record.js';
import { linesFigure } from './figures.js';
import type { Inputs } from './inputs.js';
import { picture, type Section } from './markdown.js';

const points = (history: Epoch[], series: string, value: (epoch: Epoch) => number | undefined) =>
  history.flatMap((epoch) => {
    const own = value(epoch);
    return own === undefined ? [] : [{ epoch: epoch.epoch, value: own, series }];
  });

/** Curves of the run that gave the published weights: Figures 5 and 6. */
export function trainingSection({ models: [{ title, metrics }] }: Inputs): Section {
  const { history, config } = metrics.training;
  const learnt = points(history, 'Training', (epoch) => epoch.trainAccuracy);
  return {
    figures: {
      'accuracy-by-epoch': linesFigure(
        [...learnt, ...points(history, 'PublicTest', (epoch) => epoch.publicAccuracy)],
        'accuracy',
      ),
      'loss-by-epoch': linesFigure(
        [
          ...points(history, 'Training', (epoch) => epoch.loss),
          ...points(history, 'PublicTest', (epoch) => epoch.publicLoss),
        ],
        'loss',
      ),
    },
    text: `## Training (Figures 5 and 6)

The run that gave ${title}${config.init ? ': the last one alone, which went on from weights trained before (docs/experiments.md has those runs)' : ''}. PublicTest by the
averaged weights; the loss on Training is the mean over the epoch's batches, of augmented pictures, which are harder.

${picture('accuracy-by-epoch', 'Accuracy by epoch')}
${picture('loss-by-epoch', 'Loss by epoch')}

${
  learnt.length > 0
    ? 'Accuracy on Training is of the averaged weights, on as many Training pictures that it learned from as PublicTest has, not augmented.'
    : 'Accuracy on Training was not recorded by this run: the engine did not measure it yet.'
} The paper's
accuracy on its training set (Figure 5) is around 90 % after 20 "iterations", and its losses (Figure 6) lie flat after 25; it gives no
numbers to draw, and does not say of which data set they are. 20 batches of 14 are 280 pictures, so the
figures must count something longer, perhaps epochs. On FER2013 it took 10,000 iterations (section 4.6): 4.9 epochs if these are batches.
`,
  };
}
