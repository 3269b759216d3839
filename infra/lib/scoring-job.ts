import { readFileSync } from 'node:fs';
import { aws_batch as batch, type aws_ecr as ecr, aws_iam as iam, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.js';
import { CUDA_CACHE, MAX_BODY_BYTES, PORT, serverEnvironment } from './server.js';
import {
  allowImage,
  bucketAccess,
  INSTALL_AWS,
  type JobProps,
  jobExecutionRole,
  jobLogs,
  prefixReasons,
} from './training-job.js';

const DRIVER = readFileSync(new URL('../jobs/score.py', import.meta.url), 'utf8');

/**
 * Scores every picture below an S3 prefix: an array job whose children each take every N-th key. A child is two
 * containers, the image as it serves (with the GPU) and a driver that lists, fetches, posts and writes; so bulk scores
 * are those of the endpoint.
 */
export class ScoringJob extends Construct {
  readonly definition: batch.CfnJobDefinition;

  constructor(
    scope: Construct,
    id: string,
    { config, bucket, repository }: JobProps & { repository: ecr.IRepository },
  ) {
    super(scope, id);
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
    });
    for (const statement of bucketAccess(bucket, ['photos/*'], ['scores/*'])) role.addToPolicy(statement);
    acknowledge(role, prefixReasons(bucket, ['photos/*', 'scores/*']));
    const executionRole = jobExecutionRole(this);
    repository.grantPull(executionRole);
    acknowledge(executionRole, {
      'AwsSolutions-IAM5[Resource::*]': 'ecr:GetAuthorizationToken takes no resource.',
    });
    allowImage(executionRole, config.images.jobs);
    const logGroup = jobLogs(this, config);
    logGroup.grantWrite(executionRole);
    const logConfiguration = {
      logDriver: 'awslogs',
      options: {
        'awslogs-group': logGroup.logGroupName,
        'awslogs-region': Stack.of(this).region,
        'awslogs-stream-prefix': 'score',
      },
    };
    this.definition = new batch.CfnJobDefinition(this, 'Definition', {
      type: 'container',
      platformCapabilities: ['EC2'],
      propagateTags: true,
      // A child goes on behind the parts that it has written. Batch does not retry what has run out of time.
      retryStrategy: { attempts: 3 },
      timeout: { attemptDurationSeconds: 24 * 3600 },
      ecsProperties: {
        taskProperties: [
          {
            taskRoleArn: role.roleArn,
            executionRoleArn: executionRole.roleArn,
            volumes: [{ name: 'cuda-cache', host: { sourcePath: CUDA_CACHE } }],
            containers: [
              {
                name: 'mien',
                image: repository.repositoryUriForTag(config.images.gpuTag),
                // The driver's exit ends the job.
                essential: false,
                environment: Object.entries({
                  ...serverEnvironment(config),
                  // Containers of a job share the host's network; nobody else's may ask.
                  HOST: '127.0.0.1',
                  MAX_BODY_BYTES: String(MAX_BODY_BYTES),
                }).map(([name, value]) => ({ name, value })),
                // The next child on the instance finds the kernels that this one compiled.
                mountPoints: [{ sourceVolume: 'cuda-cache', containerPath: CUDA_CACHE, readOnly: false }],
                resourceRequirements: [
                  { type: 'VCPU', value: '3' },
                  { type: 'MEMORY', value: '12288' },
                  { type: 'GPU', value: '1' },
                ],
                logConfiguration,
              },
              {
                name: 'driver',
                image: config.images.jobs,
                essential: true,
                dependsOn: [{ containerName: 'mien', condition: 'START' }],
                command: ['bash', '-c', `${INSTALL_AWS} && exec python3 -c "$0"`, DRIVER],
                environment: [
                  { name: 'BUCKET', value: bucket.bucketName },
                  { name: 'PREFIX', value: 'photos/' },
                  { name: 'OUT', value: 'scores/' },
                  { name: 'MIEN', value: `http://127.0.0.1:${PORT}` },
                  { name: 'MAX_BODY_BYTES', value: String(MAX_BODY_BYTES) },
                  { name: 'AWS_DEFAULT_REGION', value: Stack.of(this).region },
                ],
                resourceRequirements: [
                  { type: 'VCPU', value: '1' },
                  { type: 'MEMORY', value: '1024' },
                ],
                logConfiguration,
              },
            ],
          },
        ],
      },
    });
  }
}
