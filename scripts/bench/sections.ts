import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/assets/node.js';
import { MienError } from '../../src/model/errors.js';
import { writeAtomically } from '../lib/files.js';
import { accuracies, DATA } from './accuracy.js';
import { accuracyFigure, ratiosFigure } from './figures.js';
import { raceGroups, racePublished, raceSides, type SidedRace } from './inference.js';
import { measuredBy, megabytes, percent, ratio, spread, table } from './markdown.js';
import { serverMemory } from './memory.js';
import { STAGES, timeStages } from './stages.js';
import { timeStarts } from './start.js';
import { subjectKind } from './subjects/index.js';

/** Each part of the bench: it measures, draws, and says in Markdown what it has found. */
export const SECTIONS = { inference, accuracy, stages, start, memory };
export type SectionName = keyof typeof SECTIONS;

const command = (name: SectionName) => measuredBy(`npm run bench -- ${name}`);
const draw = (name: string, drawing: string) =>
  writeAtomically(join(packageRoot(), 'docs', 'benchmarks', `${name}.svg`), drawing);

/** One race as a table. */
export function raceTable({ contestants, absent }: SidedRace): string {
  const rows = contestants.map(({ name, ms, ratio: to, processorMs, processorRatio }) => [
    subjectKind(name).title,
    spread(ms),
    ratio(to),
    spread(processorMs),
    ratio(processorRatio),
  ]);
  const reasons = absent.map(({ name, reason }) => `${subjectKind(name).title}: not measured (${reason})`);
  return [table(['', 'ms a face', 'ratio', 'processor ms', 'ratio'], rows), ...reasons].join('\n\n');
}

async function inference(): Promise<string> {
  const published = await racePublished();
  const sides = await raceSides();
  const groups = await raceGroups();
  const bySide = [...sides, published].sort((one, other) => one.side - other.side);
  draw('ratios', ratiosFigure(bySide));
  const memory = bySide.map(({ side, contestants }) => [
    side,
    megabytes(contestants.find(({ name }) => name === 'plan')?.memory ?? Number.NaN),
  ]);
  return `## Inference, a face at a time

One 48×48 crop in, seven probabilities out: enlarging and softmax are in it on every side. All but face-api and human compute
the same weights, which is checked; these two are networks of their own. Each subject has a process of its own and they
take turns, round after round; figures are medians of the rounds, with the quartiles. A ratio is to onnxruntime-web with one
thread, round by round: below 1 is faster. Processor time is what all threads of a subject's process need together. Trust the
ratios, not the milliseconds.

### Side ${published.side}, groups = ${published.groups}: mien-v1

${raceTable(published)}

${sides
  .map((race) => `### Side ${race.side}, groups = ${race.groups}: random weights\n\n${raceTable(race)}`)
  .join('\n\n')}

![Time a face by side, over onnxruntime-web's](benchmarks/ratios.svg)

### Side ${published.side} by groups: random weights

${table(
  [
    'groups',
    ...(groups[0]?.contestants.map(({ name }) => `${subjectKind(name).title}, ms`) ?? []),
    'mien to onnxruntime-web',
  ],
  groups.map(({ groups: count, contestants }) => [
    count,
    ...contestants.map(({ ms }) => spread(ms)),
    ratio(
      contestants.find(({ name }) => name === 'plan')?.ratio ?? { median: Number.NaN, lower: 0, upper: 0 },
    ),
  ]),
)}

### WebAssembly memory of the plan by side

Of eight crops at a time and then one after the other, groups = ${published.groups}.

${table(['side', 'memory'], memory)}

${command('inference')}`;
}

async function accuracy(): Promise<string> {
  if (!existsSync(DATA))
    throw new MienError('invalid_data', `${DATA} is absent: npm run prepare-data packs FER2013 there.`);
  const found = await accuracies();
  draw('accuracy', accuracyFigure(found));
  return `## Accuracy beside speed

All 7178 test images of FER2013 (PublicTest and PrivateTest), as crops, through each one's own expression network in
WebAssembly with one thread; the best label counts. What face-api was trained on is not disclosed, and human's network was
trained on FER2013, so that only its accuracy on PrivateTest and PublicTest says something; 568 of these images are copies of
Training images, for all alike.

${table(
  ['', 'accuracy %', 'macro recall %', 'ms a face'],
  found.map(({ name, metrics, ms }) => [
    subjectKind(name).title,
    percent(metrics.accuracy),
    percent(metrics.macroRecall),
    spread(ms),
  ]),
)}

![Accuracy by milliseconds a face](benchmarks/accuracy.svg)

${command('accuracy')}`;
}

async function stages(): Promise<string> {
  const photos = await timeStages();
  return `## A photo's way, stage by stage

mien-v1 on wasm in Node, milliseconds a photo. The infer column includes enlarging.

${table(
  ['photo', 'faces', ...STAGES],
  photos.map(({ picture, faces, stages: times }) => [
    picture,
    faces,
    ...STAGES.map((stage) => spread(times[stage])),
  ]),
)}

${command('stages')}`;
}

async function start(): Promise<string> {
  const { nodeAlone, nodeServer, lambda, workerd, workerCpu } = await timeStarts();
  return `## Start

From a process's start to the first photo's scores; nothing is warm.

${table(
  ['', 'ms'],
  [
    ['Node that does nothing', spread(nodeAlone)],
    ['Node server', spread(nodeServer)],
    ['Lambda bundle: import and first event', spread(lambda)],
    ['Worker in workerd, started by miniflare', spread(workerd)],
    ["**Worker's start-up, processor time**", spread(workerCpu)],
  ],
)}

The last is what Cloudflare bounds at 1 s: processor time of workerd's main thread until it listens, with both networks loaded
and run once, less what it needs for an empty Worker.

${command('start')}`;
}

async function memory(): Promise<string> {
  const { warm, after, most, requests } = await serverMemory();
  return `## Memory of the Node server

${table(
  ['', 'resident memory'],
  [
    ['after the first answer', megabytes(warm)],
    [`after ${requests} more, four at a time`, megabytes(after)],
    ['at most', megabytes(most)],
  ],
)}

Photos of 512×512 pixels with one face. ${command('memory')}`;
}
