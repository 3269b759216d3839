import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { MienError } from '../../src/model/errors.js';
import { table1 } from '../../src/model/table1.js';
import { baseline } from './baseline.js';

const positive = z.number().int().positive();
/** As an architecture's (src/model/architecture.ts). */
const side = z.number().int().min(16).max(1024).multipleOf(8);
const share = z.number().min(0).max(1);
const rates = z.array(positive);

/** The choices that Table 1 leaves open: the arguments of table1 (src/model/table1.ts). */
const paper = z.strictObject({
  side: positive,
  width: z.number().positive().default(1),
  factorised: z.boolean().default(true),
  mixAfter: z.array(positive).default([]),
  groups: positive,
  dilations: z.tuple([positive, positive, positive, positive]),
  /** Rates of the attention's ASPP branches; null trains without attention. */
  rates: rates.nullable(),
  reduction: positive,
  dropout: share,
  head: z.strictObject({ maps: z.boolean(), features: z.boolean(), dropout: share }),
});

/** Everything that a run is made of. The run's folder gets every field, so it is read without knowing defaults. */
const configuration = z.strictObject({
  architecture: z.union([paper, baseline]),
  /** Folder of the packed data set; "generated" is made on the spot, for trying out. */
  data: z.string().default('data/fer2013'),
  /** Training images to learn from, spread evenly over all; null takes them all. */
  images: positive.nullable().default(null),
  /** Products of it and of epochs and steps have to fit into 64 bits. */
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1),
  /** Weights file to start from, of the same architecture or one of other groups; null starts from random weights. */
  init: z.string().nullable(),
  /** Trained one after the other; only epochs at the architecture's side can give the chosen weights. */
  stages: z.array(z.strictObject({ side, epochs: positive, batch: positive })).min(1),
  /** The rate rises linearly over the first `warmup` share of the images, then stays or falls to 0. */
  optimizer: z.strictObject({
    /** SGD adds the decay to the gradient; Muon (engines/torch/muon.py) takes the rate's share of the weights. */
    kind: z.enum(['sgd', 'muon']).default('sgd'),
    learningRate: z.number().positive(),
    momentum: share,
    nesterov: z.boolean(),
    weightDecay: z.number().min(0),
    warmup: share,
    decay: z.enum(['constant', 'linear', 'cosine']),
    /** Radius of sharpness-aware minimisation, which takes each step twice; 0 does without. */
    sam: z.number().min(0).default(0),
  }),
  /** Stochastic depth: the last residual block is skipped with this probability, those before it in proportion. */
  stochasticDepth: z.number().min(0).max(0.9).default(0),
  labels: z.strictObject({
    smoothing: share,
    /** τ of logit adjustment: 1 learns as if all classes were equally frequent, 0 as they are. */
    adjustment: z.number().min(0).default(0),
    /** Weight of the loss of a second classifier that learns FER+'s ten vote shares from the same features. */
    ferplus: z.number().min(0),
  }),
  /** Widest changes, drawn uniformly: degrees, ratios, shares of the side or of 255; flips and erasing are probabilities. */
  augmentation: z.strictObject({
    rotation: z.number().min(0).max(180),
    scale: z.number().min(0),
    shift: share,
    horizontalFlip: share,
    verticalFlip: share,
    brightness: share,
    contrast: z.number().min(0),
    erasing: share,
    /** α of Beta(α, α); 0 mixes nothing. With both, a coin decides batch by batch. */
    mixup: z.number().min(0),
    cutmix: z.number().min(0).default(0),
  }),
  /**
   * Teachers are folders of finished runs or of published models; the rest as in engines/torch/distill.py. null learns from
   * the labels alone.
   */
  distillation: z
    .strictObject({ teachers: z.array(z.string()).min(1), weight: share, temperature: z.number().positive() })
    .nullable()
    .default(null),
  /** Decay a step of the moving average of the weights, which is what is evaluated and published; 0 averages nothing. */
  average: share,
  /**
   * Training images, as they are, on which the averaged weights' batch norms count their statistics anew before they are
   * evaluated (engines/torch/precise_norm.py); 0 keeps those that followed training's augmented pictures.
   */
  preciseNorm: z.number().int().min(0).default(0),
  /** Epochs between two measurements of the averaged weights, which alone can be chosen; those at the end of a stage are measured too. */
  measureEvery: positive.default(1),
  precision: z.enum(['float32', 'bfloat16']),
  /** Compile the network (torch.compile). On two CPU cores a step is about 1.1 times faster. */
  compile: z.boolean(),
});

export type Configuration = z.infer<typeof configuration>;

/** What a run's folder keeps of it: the architecture stands beside, and the data may lie anywhere. */
export type Recipe = Omit<Configuration, 'architecture' | 'data'>;

const checked = configuration
  // Mixing takes a batch in pairs.
  .refine(
    ({ augmentation: { mixup, cutmix }, stages }) =>
      mixup + cutmix === 0 || stages.every(({ batch }) => batch % 2 === 0),
    { path: ['stages'], error: 'mixup and cutmix need batches of an even number' },
  )
  .refine(({ optimizer: { momentum, nesterov } }) => !nesterov || momentum > 0, {
    path: ['optimizer', 'nesterov'],
    error: 'looks ahead by the momentum, which is 0',
  })
  // Here, where the message has the file and the row, and before a sweep trains the rows above.
  .superRefine(({ architecture }, context) => {
    const message = faultOf(architecture);
    if (message) context.addIssue({ code: 'custom', path: ['architecture'], message });
  });

/** Why choices make no network. */
function faultOf(architecture: Configuration['architecture']): string | undefined {
  if ('baseline' in architecture) return undefined;
  try {
    table1(architecture);
    return undefined;
  } catch (error) {
    if (!MienError.is(error)) throw error;
    return error.message;
  }
}

/**
 * Checks a training configuration; `from` is what messages call it.
 * @throws {MienError} `invalid_data`, naming it and its fields.
 */
export function parseConfiguration(json: unknown, from: string): Configuration {
  return parse(checked, from, () => json);
}

/**
 * Reads a training configuration.
 * @throws {MienError} `invalid_data`, naming file and fields.
 */
export function readConfiguration(file: string): Configuration {
  return parse(checked, file, () => JSON.parse(readFileSync(file, 'utf8')));
}

/**
 * Reads the recipe of a run's folder.
 * @throws {MienError} `invalid_data`, naming file and fields.
 */
export function recipeOf(file: string): Recipe {
  const recipe = configuration.omit({ architecture: true, data: true });
  return parse(recipe, file, () => JSON.parse(readFileSync(file, 'utf8')));
}

function parse<T extends z.ZodType>(schema: T, from: string, read: () => unknown): z.output<T> {
  try {
    return schema.parse(read());
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new MienError('invalid_data', `${from} is not a training configuration: ${why}`, { cause });
  }
}
