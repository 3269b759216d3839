/** A subject's process: scripts/bench/subject-process.ts starts it with the subject's name and the model's folder. */
import { loadModel } from '../../src/assets/node-model.js';
import { CROP_BYTES } from '../../src/model/architecture.js';
import { median } from '../lib/statistics.js';
import type { Answer, Request, Turn } from './subject-process.js';
import { type SubjectName, subjectKind } from './subjects/index.js';
import type { Subject } from './subjects/subject.js';

const [name, folder] = process.argv.slice(2) as [SubjectName, string];
const answer = (message: Answer) => process.send?.(message);
const refuse = (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) });

async function time(subject: Subject, crops: Uint8Array, milliseconds: number): Promise<Turn> {
  const count = crops.length / CROP_BYTES;
  const crop = (i: number) => crops.subarray((i % count) * CROP_BYTES, ((i % count) + 1) * CROP_BYTES);
  // The others have had the caches meanwhile.
  await subject.classify(crop(0));
  const took: number[] = [];
  const processor = process.cpuUsage();
  for (const begun = performance.now(); took.length === 0 || performance.now() - begun < milliseconds; ) {
    const before = performance.now();
    await subject.classify(crop(took.length));
    took.push(performance.now() - before);
  }
  const { user, system } = process.cpuUsage(processor);
  return { ms: median(took), processorMs: (user + system) / 1000 / took.length };
}

async function reply(subject: Subject, request: Request): Promise<unknown> {
  switch (request.kind) {
    case 'classify':
      return subject.classify(request.crops);
    case 'time':
      return time(subject, request.crops, request.milliseconds);
    case 'memory':
      return subject.memory?.();
  }
}

try {
  const subject = await subjectKind(name).load(await loadModel(folder));
  process.on('message', (request: Request) => {
    reply(subject, request).then((value) => answer({ value }), refuse);
  });
  process.on('disconnect', () => process.exit());
  answer({ value: 'ready' });
} catch (error) {
  refuse(error);
}
