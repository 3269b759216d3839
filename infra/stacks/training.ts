import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../lib/config.js';
import { GpuQueue } from '../lib/gpu-queue.js';
import { PrivateBucket } from '../lib/private-bucket.js';
import { ScoringJob } from '../lib/scoring-job.js';
import { TrainingJob } from '../lib/training-job.js';
import type { FoundationStack } from './foundation.js';

/** Jobs on Batch: training, and scoring in bulk. They cost nothing while none runs. */
export class TrainingStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    props: StackProps & { config: Config; foundation: FoundationStack },
  ) {
    super(scope, id, props);
    const { config, foundation } = props;
    const { vpc } = foundation.network;
    const { bucket } = new PrivateBucket(this, 'Data', { config, logs: foundation.logs });
    const train = new GpuQueue(this, 'TrainQueue', {
      config,
      vpc,
      instanceTypes: config.training.trainTypes,
    });
    const score = new GpuQueue(this, 'ScoreQueue', {
      config,
      vpc,
      instanceTypes: config.training.scoreTypes,
    });
    const training = new TrainingJob(this, 'TrainingJob', { config, bucket });
    const scoring = new ScoringJob(this, 'ScoringJob', {
      config,
      bucket,
      repository: foundation.images.repository,
    });
    const outputs = {
      Bucket: bucket.bucketName,
      TrainJobQueue: train.queue.jobQueueName,
      TrainJobDefinition: training.definition.jobDefinitionName,
      ScoreJobQueue: score.queue.jobQueueName,
      ScoreJobDefinition: scoring.definition.ref,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
