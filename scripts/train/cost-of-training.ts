import { z } from 'zod';
import type { Training } from './training-record.js';

const stages = z.array(z.looseObject({ epochs: z.number(), batch: z.number() }));

/** What a run cost; null where the run did not record it. */
export interface TrainingCost {
  /** Pictures seen, augmented. */
  images: number | null;
  /** Wall-clock time of all epochs. */
  hours: number | null;
  hardware: string | null;
}

/** The cost of a run, from its configuration and its history. */
export function trainingCost({ config, history, engine }: Training): TrainingCost {
  const parsed = stages.safeParse(config.stages);
  const batches = parsed.success
    ? parsed.data.flatMap(({ epochs, batch }) => new Array<number>(epochs).fill(batch))
    : [];
  const seen = history.map(({ step, epoch }, at) => {
    const before = history[at - 1] ?? { step: 0, epoch: 0 };
    // Epochs may be recorded every few: of those together, the steps of each batch size are not known.
    const [batch, ...others] = new Set(batches.slice(before.epoch, epoch));
    return others.length === 0 ? (step - before.step) * (batch ?? Number.NaN) : Number.NaN;
  });
  const seconds = history.map((epoch) => epoch.seconds);
  const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
  const images = total(seen);
  const timed = seconds.filter((value) => value !== undefined);
  return {
    images: history.length > 0 && Number.isFinite(images) ? images : null,
    hours: timed.length > 0 && timed.length === seconds.length ? total(timed) / 3600 : null,
    hardware: engine ? hardwareOf(engine) : null,
  };
}

const hardwareOf = ({ engine, device, processes = 1 }: NonNullable<Training['engine']>) =>
  `${device}${processes > 1 ? ` × ${processes}` : ''} (${engine})`;
