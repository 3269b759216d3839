import type {
  aws_certificatemanager as acm,
  aws_ec2 as ec2,
  aws_ecr as ecr,
  aws_ecs as ecs,
  aws_s3 as s3,
  aws_secretsmanager as secretsmanager,
  aws_sns as sns,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { Alarms } from './alarms.js';
import type { Config } from './config.js';
import { Dashboard } from './dashboard.js';
import { FailoverRecord } from './failover-record.js';
import { GpuCapacity } from './gpu-capacity.js';
import { GpuService } from './gpu-service.js';
import { Listener } from './listener.js';

export interface GpuEndpointProps {
  config: Config;
  vpc: ec2.IVpc;
  certificate: acm.ICertificate;
  logs: s3.IBucket;
  repository: ecr.IRepository;
  apiKeys: secretsmanager.ISecret;
  topic: sns.ITopic;
}

/** The endpoint: listener → tasks on GPU instances, watched, under the shared name's primary record. */
export class GpuEndpoint extends Construct {
  readonly service: ecs.Ec2Service;

  constructor(scope: Construct, id: string, props: GpuEndpointProps) {
    super(scope, id);
    const { config } = props;
    const { balancer, targets } = new Listener(this, 'Listener', props);
    const capacity = new GpuCapacity(this, 'Capacity', props);
    this.service = new GpuService(this, 'Service', { ...props, capacity, targets }).service;
    const alarms = new Alarms(this, 'Alarms', { ...props, balancer, targets });
    new Dashboard(this, 'Dashboard', { balancer, targets, service: this.service, alarms });
    new FailoverRecord(this, 'Name', {
      config,
      role: 'PRIMARY',
      target: {
        dnsName: balancer.loadBalancerDnsName,
        hostedZoneId: balancer.loadBalancerCanonicalHostedZoneId,
      },
    });
  }
}
