import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../lib/config.js';
import { SageMakerEndpoint } from '../lib/sagemaker-endpoint.js';
import type { FoundationStack } from './foundation.js';

/** The alternative to the GPU stack, for those who run everything on SageMaker. */
export class SageMakerStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    props: StackProps & { config: Config; foundation: FoundationStack },
  ) {
    super(scope, id, props);
    new SageMakerEndpoint(this, 'SageMakerEndpoint', {
      config: props.config,
      repository: props.foundation.images.repository,
      topic: props.foundation.alarms.topic,
    });
  }
}
