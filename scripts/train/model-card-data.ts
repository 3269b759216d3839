/** What a model has learned from, as its card says it. */
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { LABELS, type Label } from '../../src/model/labels.js';
import { type DataSet, rowsOf } from './data/pack.js';
import type { ModelMetrics } from './model-card.js';

/** What a card tells of a data set beside its name. */
export interface AboutSet {
  /** Number of its Training images. */
  images: number;
  /** Whether it was packed with FER+'s votes. */
  votes: boolean;
  /** Test images of people who are in Training images too; null where it is not known who is in which. */
  familiar: number | null;
  /** Labels that no Training image has, where there are some. */
  unlearned?: Label[];
}

export function aboutSet(set: DataSet): AboutSet {
  const { subjects, votes, labels } = set;
  const training = rowsOf(set, 'Training');
  const learnt = subjects && new Set(training.map((row) => subjects[row]));
  const known = new Set(training.map((row) => labels[row]));
  const unlearned = LABELS.filter((_, label) => !known.has(label));
  const familiar = rowsOf(set, 'PublicTest', 'PrivateTest').filter((row) => learnt?.has(subjects?.[row]));
  return {
    images: training.length,
    votes: votes.some((count) => count > 0),
    familiar: learnt ? familiar.length : null,
    ...(unlearned.length > 0 && { unlearned }),
  };
}

/** What is told of a configuration; older ones lack some. */
const told = z.looseObject({
  images: z.number().nullish(),
  labels: z.looseObject({ ferplus: z.number() }).optional(),
  distillation: z
    .looseObject({ teachers: z.array(z.string()), weight: z.number(), temperature: z.number() })
    .nullish(),
});

/** Weights by their path, where others may lie by now. */
function weightsAt(path: string, name: string): string {
  const folder = path.replace(/\/weights\.safetensors$/, '');
  const own = basename(folder) === name && basename(dirname(folder)) === 'models';
  return own ? 'earlier weights of this model' : `\`${path}\` as it was then`;
}

/** The weights that it began from and those that taught it, which stand on data of their own. */
export function origins({ name, training: { config } }: ModelMetrics): string[] {
  const { distillation } = told.parse(config);
  const texts: string[] = [];
  if (config.init)
    texts.push(`Training went on from ${weightsAt(config.init, name)}, so it stands on their data as well.`);
  if (distillation) {
    const { teachers, weight, temperature } = distillation;
    texts.push(`It was also taught (distillation), so it stands on what its teachers learned from as well; the mean of their answers,
at a temperature of ${temperature}, has a weight of ${weight} beside the labels:
${teachers.map((path) => `- ${weightsAt(path, name)}`).join('\n')}`);
  }
  return texts;
}

const number = (value: number) => value.toLocaleString('en');

/** "12,800 of the 28,709 Training images". */
function taught({ config, set }: ModelMetrics['training']): string {
  const { images } = told.parse(config);
  const part = images && !(set && images >= set.images) ? `${number(images)} of the ` : '';
  return `${part}${set ? `${number(set.images)} ` : ''}Training images`;
}

function fer2013({ splits: { public: shown, private: hidden, test }, training }: ModelMetrics): string {
  const { labels } = told.parse(training.config);
  const votes =
    labels && labels.ferplus > 0 && training.set?.votes !== false
      ? "| [FER+](https://github.com/microsoft/FERPlus), ten people's votes for each training image | a second target during training | MIT |\n"
      : '';
  return `| data | used for | licence |
|---|---|---|
| FER2013 (Goodfellow et al. 2013), ${taught(training)} and labels | training | Kaggle's, for research |
| FER2013, ${number(shown.count)} PublicTest images | choosing the weights, calibration | the same |
| FER2013, ${number(hidden.count)} PrivateTest images | measuring, once per version | the same |
${votes}
FER2013 was gathered from web search; its labels are crowd-sourced and agree with people only about two times in three,
and its classes and the people in it are unbalanced. The weights are under the MIT licence as far as they are ours to give;
FER2013's own terms may restrict what weights trained on it are used for. ${test.count - test.withoutCopies.count} of the ${test.count} test images are byte-identical to a training
image, which is why the table has a row without them.`;
}

/** Whether the test images show people that it has learned from, who are easier for it than strangers. */
function peopleText({ splits: { test }, training: { set } }: ModelMetrics): string {
  const familiar = set?.familiar ?? null;
  if (familiar === 0) return 'Nobody in the test images is in the Training images.';
  const who =
    familiar === null
      ? 'It was not said who is in which picture: people in the test images may be in the Training images as well'
      : `${familiar} of the ${test.count} test images show people who are in the Training images as well`;
  return `${who}. For people\nwhom it has never seen expect less than the figures below.`;
}

/** "None of the Training images shows fear, sad.", where that is so. */
function unlearnedText({ unlearned = [] }: Partial<AboutSet> = {}): string[] {
  return unlearned.length > 0 ? [`None of the Training images shows ${unlearned.join(', ')}.`] : [];
}

/** The card's section on data. */
export function dataText(metrics: ModelMetrics): string {
  const { dataName, data, set } = metrics.training;
  const others = origins(metrics);
  if (dataName !== 'fer2013') {
    const own = `Trained on the data set \`${dataName}\`: ${taught(metrics.training)} (SHA-256 of all its images: \`${data}\`).`;
    return [own, ...unlearnedText(set), peopleText(metrics), ...others].join('\n\n');
  }
  const nothing = 'Nothing else: no other pictures and no weights from elsewhere.';
  return [fer2013(metrics), ...(others.length > 0 ? others : [nothing])].join('\n\n');
}
