import { z } from 'zod';

const count = (least: number, most: number) => z.number().int().min(least).max(most);

/** Of an image, as registries take it. */
const tag = z.string().regex(/^\w[\w.-]{0,127}$/, 'must be a tag, as gpu-0.1.0');

/** The domain's placeholders: enough to synthesise, and warned of. */
export const EXAMPLE_DOMAIN = { name: 'mien.example.com', zoneName: 'example.com', zoneId: 'Z0EXAMPLE' };

/**
 * Everything that can be set, with its unit and its default. The settings come from `infra/config.json`
 * (or `-c config=FILE`); an unknown key is an error, so that a misspelt one cannot be ignored.
 */
const settings = z.strictObject({
  /** Name in tags and stack names: a second deployment in one account takes another. */
  stage: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,11}$/, 'must be 1 to 12 lower-case letters or digits')
    .default('prod'),
  /** AWS region of everything. */
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region, as eu-central-1')
    .default('us-east-1'),
  /** Who answers for the bill: a tag on every resource. */
  owner: z.string().min(1).default('mien'),
  /** Keep buckets, images and logs when a stack is deleted, and protect the load balancer from deletion. */
  protect: z.boolean().default(true),
  /** Receives the alarms; none subscribes nobody. */
  alarmEmail: z.email().optional(),
  /** Days that logs are kept. */
  logDays: z.union([z.literal(7), z.literal(30), z.literal(90), z.literal(365)]).default(30),

  /** Another number after the secret of the API keys has changed makes both endpoints read it anew. */
  keysVersion: count(1, 1_000_000).default(1),

  /** The one DNS name that GPU and fallback share, in a hosted zone that exists. */
  domain: z
    .strictObject({
      name: z.string().min(1),
      zoneName: z.string().min(1),
      zoneId: z.string().regex(/^Z[A-Z0-9]+$/),
    })
    .refine(
      ({ name, zoneName }) => name === zoneName || name.endsWith(`.${zoneName}`),
      'name must lie in zoneName',
    )
    .default(EXAMPLE_DOMAIN),

  /** Origins of web pages that may ask, as https://example.org; the server checks them more closely. */
  corsOrigins: z
    .array(z.string().regex(/^https?:\/\/[a-z0-9.:[\]-]+$/, 'must be an origin, as https://example.org'))
    .default([]),

  network: z
    .strictObject({
      /** The VPC's addresses: a zone takes a subnet of /24 and one of /20 (lib/network.ts), and three fill a /18. */
      cidr: z
        .cidrv4()
        .regex(/\/1[6-8]$/, 'must be a /16, a /17 or a /18: the subnets do not fit into less')
        .default('10.42.0.0/16'),
      /** Availability zones; a load balancer needs two. */
      zones: count(2, 3).default(2),
      /** NAT gateways; one a zone survives the loss of a zone, each costs about 33 USD a month. */
      natGateways: count(1, 3).default(1),
    })
    .prefault({}),

  images: z
    .strictObject({
      /** ECR repository that the foundation stack creates and the images are pushed to. */
      repository: z
        .string()
        .regex(/^(?=.{2,256}$)[a-z0-9]+([/._-][a-z0-9]+)*$/, "must be a repository's name, as mien")
        .default('mien'),
      /** Tags of the Dockerfile's targets `gpu` and `sagemaker`. */
      gpuTag: tag.default('gpu-0.1.0'),
      sagemakerTag: tag.default('sagemaker-0.1.0'),
      /**
       * Image of training and of the bulk scoring's driver: Python with pip, a compiler (torch.compile asks for one),
       * bash and curl, and no entry point. PyTorch brings its own CUDA, and the AWS command line is installed at the start.
       */
      jobs: z.string().default('public.ecr.aws/docker/library/python:3.13.14-bookworm'),
      /** Image that scrapes the server's metrics. */
      agent: z.string().default('public.ecr.aws/cloudwatch-agent/cloudwatch-agent:1.300056.1b1123'),
    })
    .prefault({}),

  gpu: z
    .strictObject({
      /** Instance types, all with one GPU, in order of preference; each needs 4 vCPU and 16 GiB. */
      instanceTypes: z
        .array(z.string().regex(/^g(4dn|5|6)\.2?xlarge$/))
        .min(1)
        .default(['g6.xlarge', 'g5.xlarge', 'g4dn.xlarge']),
      /** Tasks (one GPU each) at least and at most. */
      minTasks: count(1, 100).default(1),
      maxTasks: count(1, 100).default(4),
      /**
       * Requests a minute a task that the scaling aims at. Four vCPUs find the faces of some 770 photos of 1920×1080
       * pixels a minute (docs/BENCHMARKS.md); the default leaves time for an instance to come before that.
       */
      requestsPerTarget: count(1, 1_000_000).default(450),
      /** Percent of a task's reserved CPU that the scaling aims at, whichever of the two asks for more tasks. */
      cpuPercent: count(1, 100).default(60),
      /** Share of instances bought as Spot, in percent, above the first `minTasks`. */
      spotPercent: count(0, 100).default(0),
      /** `spare` starts the new task before the old stops (twice the GPU quota); `in-place` stops first. */
      deployment: z.enum(['spare', 'in-place']).default('spare'),
      /** Protects instances with tasks from scale-in. It makes stack deletion hang: see gpu-capacity.ts. */
      terminationProtection: z.boolean().default(false),
    })
    .refine(({ minTasks, maxTasks }) => minTasks <= maxTasks, 'minTasks must not exceed maxTasks')
    .prefault({}),

  /** How the server batches crops, in every container: docs/configuration.md says what BATCH_MAX and the others are. */
  server: z
    .strictObject({
      batchMax: count(1, 1024).default(32),
      batchWaitMs: count(0, 1000).default(2),
      queueMax: count(1, 100_000).default(256),
    })
    .prefault({}),

  /** Requests per five minutes and address before the web ACL answers 403. */
  rateLimit: count(10, 2_000_000_000).default(6000),

  alarms: z
    .strictObject({
      /** Percent of answers that are 5xx. */
      errorPercent: z.number().min(0.01).max(100).default(1),
      /** 99th percentile of the answer time, in seconds. */
      latencySeconds: z.number().positive().default(2),
      /** Crops waiting for the GPU. */
      queueLength: count(1, 1_000_000).default(200),
    })
    .prefault({}),

  sagemaker: z
    .strictObject({
      instanceType: z
        .string()
        .regex(/^ml\.[gp]\d/, 'must have a GPU, as ml.g5.xlarge')
        .default('ml.g5.xlarge'),
      minInstances: count(1, 100).default(1),
      maxInstances: count(1, 100).default(4),
      /** Invocations a minute an instance that the scaling aims at, as `gpu.requestsPerTarget`. */
      invocationsPerInstance: count(1, 1_000_000).default(450),
    })
    .refine(
      ({ minInstances, maxInstances }) => minInstances <= maxInstances,
      'minInstances must not exceed maxInstances',
    )
    .prefault({}),

  fallback: z
    .strictObject({
      /** Memory in MiB; 1769 is one vCPU, all that single-threaded WASM can use. */
      memory: count(256, 10240).default(1769),
      /** Longest answer in seconds; an HTTP API waits no longer than 30. */
      timeout: count(1, 29).default(25),
      /** Concurrent executions reserved, which also bounds the bill; 0 reserves none. */
      concurrency: count(0, 1000).default(50),
      /** Requests a second that the API lets through, and the burst above it. */
      ratePerSecond: count(1, 10_000).default(50),
      burst: count(1, 5_000).default(100),
    })
    .prefault({}),

  training: z
    .strictObject({
      /** Instance types for training. */
      trainTypes: z.array(z.string()).min(1).default(['g6.12xlarge', 'g5.12xlarge']),
      /** GPUs, vCPU and memory (MiB) of one training job: torchrun starts a process a GPU. */
      gpus: count(1, 8).default(4),
      vcpus: count(1, 192).default(44),
      memory: count(1024, 2_000_000).default(170_000),
      /** Longest training, in hours. */
      hours: count(1, 168).default(12),
      /** Instance types for bulk scoring, with one GPU: a second child on an instance would find the first's port taken. */
      scoreTypes: z
        .array(z.string().regex(/^g(4dn|5|6)\.(2|4|8|16)?xlarge$/, 'must have one GPU, as g6.xlarge'))
        .min(1)
        .default(['g6.xlarge', 'g5.xlarge', 'g4dn.xlarge']),
      /** Spot capacity: about a third of the price; jobs are retried and training resumes. */
      spot: z.boolean().default(true),
      /** vCPU that a queue may use at once. */
      maxVcpus: count(4, 10_000).default(96),
    })
    .prefault({}),
});

export const configSchema = settings.refine(({ alarms, server }) => alarms.queueLength < server.queueMax, {
  path: ['alarms', 'queueLength'],
  message: 'must be below server.queueMax: a longer queue there never is',
});

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

/** The configuration says something that cannot be: its message has a line for every fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Fills in the defaults and checks every value.
 *
 * @throws ConfigError naming every wrong setting
 * @example parseConfig({ gpu: { maxTasks: 8 } }).gpu.minTasks // 1
 */
export function parseConfig(input: unknown = {}): Config {
  const result = configSchema.safeParse(input);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map(({ path, message }) => `${path.join('.') || 'config'}: ${message}`).join('\n'),
  );
}

/** Whether the domain is still the documentation's, which no certificate can be had for. */
export const isExample = ({ domain }: Config) => domain.zoneId === EXAMPLE_DOMAIN.zoneId;
