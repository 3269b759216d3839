import { fileURLToPath } from 'node:url';
import {
  aws_s3_assets as assets,
  aws_batch as batch,
  Duration,
  aws_ecs as ecs,
  aws_iam as iam,
  aws_logs as logs,
  RemovalPolicy,
  Size,
  Stack,
  type aws_s3 as s3,
  Validations,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.js';
import type { Config } from './config.js';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The command line that jobs reach S3 by, in a container that has Python; of the version that the tests run with. */
export const INSTALL_AWS = 'python3 -m pip install --quiet --disable-pip-version-check awscli==1.45.11';

export interface JobProps {
  config: Config;
  /** Data sets under `data/`, runs under `runs/`, teachers under `models/`, pictures under `photos/`, scores under `scores/`. */
  bucket: s3.IBucket;
}

/** Lets a job read what it is given and write what it makes: two prefixes, no deletion. */
export function bucketAccess(bucket: s3.IBucket, read: string[], write: string[]): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }),
    new iam.PolicyStatement({
      actions: ['s3:GetObject'],
      resources: read.map((key) => bucket.arnForObjects(key)),
    }),
    new iam.PolicyStatement({
      actions: ['s3:PutObject'],
      resources: write.map((key) => bucket.arnForObjects(key)),
    }),
  ];
}

/** A log group of its own for each kind of job. */
export function jobLogs(scope: Construct, { logDays, protect }: Config): logs.LogGroup {
  return new logs.LogGroup(scope, 'Logs', {
    retention: logDays,
    removalPolicy: protect ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  });
}

/** Training with the torch engine on all GPUs of one instance; jobs/train.sh says what runs. */
export class TrainingJob extends Construct {
  readonly definition: batch.EcsJobDefinition;

  constructor(scope: Construct, id: string, { config, bucket }: JobProps) {
    super(scope, id);
    const { gpus, vcpus, memory, hours } = config.training;
    // The engine and the script travel with the templates, so the image is a stock one; torch comes by requirements-jobs.txt.
    const engine = new assets.Asset(this, 'Engine', {
      path: at('../../scripts/train/engines/torch'),
      exclude: ['__pycache__', '*.pyc'],
    });
    const script = new assets.Asset(this, 'Script', { path: at('../jobs/train.sh') });
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
    });
    for (const statement of bucketAccess(bucket, ['data/*', 'models/*', 'runs/*'], ['runs/*']))
      role.addToPolicy(statement);
    for (const { bucket: from, s3ObjectKey } of [engine, script])
      role.addToPolicy(
        new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: [from.arnForObjects(s3ObjectKey)] }),
      );
    acknowledge(role, prefixReasons(bucket, ['data/*', 'models/*', 'runs/*']));
    const executionRole = jobExecutionRole(this);
    this.definition = new batch.EcsJobDefinition(this, 'Definition', {
      // A Spot instance that goes away is no failure of the job: it resumes from its last checkpoint.
      retryAttempts: 5,
      retryStrategies: [
        batch.RetryStrategy.of(batch.Action.RETRY, batch.Reason.SPOT_INSTANCE_RECLAIMED),
        batch.RetryStrategy.of(batch.Action.EXIT, batch.Reason.custom({ onReason: '*' })),
      ],
      timeout: Duration.hours(hours),
      parameters: { run: 'runs/default', data: 'data/fer2013' },
      container: new batch.EcsEc2ContainerDefinition(this, 'Container', {
        image: ecs.ContainerImage.fromRegistry(config.images.jobs),
        command: [
          'bash',
          '-c',
          `${INSTALL_AWS} && aws s3 cp --only-show-errors "$SCRIPT" /tmp/train.sh && exec bash /tmp/train.sh "$0" "$1"`,
          'Ref::run',
          'Ref::data',
        ],
        cpu: vcpus,
        gpu: gpus,
        memory: Size.mebibytes(memory),
        environment: {
          BUCKET: bucket.bucketName,
          SCRIPT: script.s3ObjectUrl,
          ENGINE: engine.s3ObjectUrl,
          AWS_DEFAULT_REGION: Stack.of(this).region,
        },
        // NCCL passes tensors between the processes of one machine through /dev/shm.
        linuxParameters: new batch.LinuxParameters(this, 'Linux', {
          sharedMemorySize: Size.gibibytes(8),
          initProcessEnabled: true,
        }),
        jobRole: role,
        executionRole,
        logging: ecs.LogDriver.awsLogs({ logGroup: jobLogs(this, config), streamPrefix: 'train' }),
      }),
    });
    if (allowImage(executionRole, config.images.jobs))
      Validations.of(this).acknowledge({
        id: 'Annotation::@aws-cdk/aws-ecs:ecrImageRequiresPolicy',
        reason: 'allowImage attaches the policy.',
      });
  }
}

/** The role that pulls images and writes logs for a job. */
export function jobExecutionRole(scope: Construct): iam.Role {
  return new iam.Role(scope, 'ExecutionRole', {
    assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
  });
}

/** An image in somebody's ECR is pulled with permission, true; one in a public registry without. */
export function allowImage(role: iam.Role, image: string): boolean {
  const match = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/([^:@]+)/.exec(image);
  if (!match) return false;
  const [, account, region, name] = match;
  role.addToPolicy(
    new iam.PolicyStatement({
      actions: ['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'],
      resources: [`arn:aws:ecr:${region}:${account}:repository/${name}`],
    }),
  );
  role.addToPolicy(new iam.PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }));
  acknowledge(role, { 'AwsSolutions-IAM5[Resource::*]': 'ecr:GetAuthorizationToken takes no resource.' });
  return true;
}

/** Why a job's role names prefixes: the objects below them are not known beforehand. */
export function prefixReasons(bucket: s3.IBucket, prefixes: string[]): Record<string, string> {
  const id = (bucket.stack as Stack).getLogicalId(bucket.node.defaultChild as s3.CfnBucket);
  return Object.fromEntries(
    prefixes.map((prefix) => [
      `AwsSolutions-IAM5[Resource::<${id}.Arn>/${prefix}]`,
      'A prefix of one bucket: its objects are not known beforehand.',
    ]),
  );
}
