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
export const SECTIONS = { inference, sides, groups, accuracy, stages, start, memory };
export type SectionName = keyof typeof SECTIONS;

const command = (name: SectionName) => measuredBy(`npm run bench -- ${name}`);
const draw = (name: string, drawing: string) =>
  writeAtomically(join(packageRoot(), 'docs', 'benchmarks', `${name}.svg`), drawing);

/** One race as a table. */
export function raceTable({ contestants }: SidedRace): string {
  return table(
    ['', 'ms a face', 'ratio', 'processor ms', 'ratio'],
    contestants.map((one) => [
      subjectKind(one.name).title,
      spread(one.ms),
      ratio(one.ratio),
      spread(one.processorMs),
      ratio(one.processorRatio),
    ]),
  );
}

/** Who did not take part, and why. */
const absences = ({ absent }: SidedRace): string =>
  absent.map(({ name, reason }) => `${subjectKind(name).title} is not measured: ${reason}`).join('\n');

async function inference(): Promise<string> {
  const published = await racePublished();
  return `## Inference, a face at a time

One 48×48 crop in, seven probabilities out: enlarging and softmax are in it everywhere. All but face-api and human compute
mien-v1's weights, which is checked; these two are networks of their own. Each subject has a process of its own and they
take turns, round after round, after a second each to warm up; figures are medians of the rounds, with the quartiles. A
ratio is to onnxruntime-web with one thread, round by round: below 1 is faster. Processor time is what all threads of a
subject's process need together. Trust the ratios, not the milliseconds.

Side ${published.side}, groups = ${published.groups}:

${raceTable(published)}

"Stock tfjs operations" is the network as src/model/network.ts writes it down, groups split and joined, on tfjs's wasm backend.

${absences(published)}

${command('inference')}`;
}

async function sides(): Promise<string> {
  const races = await raceSides();
  draw('ratios', ratiosFigure(races));
  const memory = races.map(({ side, contestants }) => [
    side,
    megabytes(contestants.find(({ name }) => name === 'plan')?.memory ?? Number.NaN),
  ]);
  return `## Inference by side

Table 1 with groups = ${races[0]?.groups}, its dilations the same shares of the grid as the paper's at 384, and random weights. Side 384 is the
paper's.

![Time a face by side, over onnxruntime-web's](benchmarks/ratios.svg)

${races.map((race) => `### Side ${race.side}\n\n${raceTable(race)}`).join('\n\n')}

### WebAssembly memory of the plan

After eight crops at a time, then one after the other.

${table(['side', 'memory'], memory)}

${command('sides')}`;
}

async function groups(): Promise<string> {
  const races = await raceGroups();
  const [first] = races;
  const titles = first?.contestants.map(({ name }) => `${subjectKind(name).title}, ms`) ?? [];
  return `## Inference by groups

Table 1 at side ${first?.side} with random weights. The ratio is mien's to onnxruntime-web's.

${table(
  ['groups', ...titles, 'ratio'],
  races.map(({ groups: count, contestants: [mien, ...others] }) => [
    count,
    ...[mien, ...others].map((one) => (one ? spread(one.ms) : '-')),
    mien ? ratio(mien.ratio) : '-',
  ]),
)}

${command('groups')}`;
}

async function accuracy(): Promise<string> {
  if (!existsSync(DATA))
    throw new MienError('invalid_data', `${DATA} is absent: npm run prepare-data packs FER2013 there.`);
  const found = await accuracies();
  draw('accuracy', accuracyFigure(found));
  return `## Accuracy beside speed

All 7178 test images of FER2013 (PublicTest and PrivateTest), as crops, through each one's own expression network in
WebAssembly with one thread; the best label counts. What face-api's was trained on is not disclosed; human's was trained on
FER2013, like ours. 568 of these images are copies of Training images, which helps whoever was trained on those.

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
    ['Node server, wasm', spread(nodeServer)],
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
  return `## Memory of the Node server, wasm

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
