import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../lib/config.js';
import { GpuEndpoint } from '../lib/gpu-endpoint.js';
import type { FoundationStack } from './foundation.js';

/** The endpoint on ECS. */
export class GpuStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    props: StackProps & { config: Config; foundation: FoundationStack },
  ) {
    super(scope, id, props);
    const { config, foundation } = props;
    const { service } = new GpuEndpoint(this, 'GpuEndpoint', {
      config,
      vpc: foundation.network.vpc,
      certificate: foundation.certificate,
      logs: foundation.logs,
      repository: foundation.images.repository,
      apiKeys: foundation.apiKeys.secret,
      topic: foundation.alarms.topic,
    });
    new CfnOutput(this, 'Cluster', { value: service.cluster.clusterName });
    new CfnOutput(this, 'Service', { value: service.serviceName });
  }
}
