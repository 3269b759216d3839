import { aws_route53 as route53 } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { Config } from './config.js';

export interface FailoverRecordProps {
  config: Config;
  role: 'PRIMARY' | 'SECONDARY';
  /** The load balancer's or the API's own name and zone. */
  target: { dnsName: string; hostedZoneId: string };
}

/**
 * One half of the shared name. The primary's health is that of its targets: with no healthy task left, Route 53
 * answers with the secondary. CloudFront's origin groups were no choice: they fail over for GET, HEAD and OPTIONS
 * only, and photos come by POST.
 */
export class FailoverRecord extends Construct {
  constructor(scope: Construct, id: string, { config, role, target }: FailoverRecordProps) {
    super(scope, id);
    new route53.CfnRecordSet(this, 'Record', {
      hostedZoneId: config.domain.zoneId,
      name: `${config.domain.name}.`,
      type: 'A',
      failover: role,
      setIdentifier: role.toLowerCase(),
      aliasTarget: { ...target, evaluateTargetHealth: role === 'PRIMARY' },
    });
  }
}
