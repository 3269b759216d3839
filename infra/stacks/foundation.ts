import {
  aws_certificatemanager as acm,
  CfnOutput,
  aws_route53 as route53,
  Stack,
  type StackProps,
  type aws_s3 as s3,
} from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { AlarmTopic } from '../lib/alarm-topic.js';
import { ApiKeys } from '../lib/api-keys.js';
import type { Config } from '../lib/config.js';
import { Images } from '../lib/images.js';
import { allowBalancerLogs } from '../lib/listener.js';
import { Network } from '../lib/network.js';
import { PrivateBucket } from '../lib/private-bucket.js';

/** What the others share: network, images, certificate, API keys, the bucket of the access logs, the alarm topic. */
export class FoundationStack extends Stack {
  readonly network: Network;
  readonly logs: s3.Bucket;
  readonly images: Images;
  readonly apiKeys: ApiKeys;
  readonly alarms: AlarmTopic;
  readonly certificate: acm.Certificate;

  constructor(scope: Construct, id: string, { config, ...props }: StackProps & { config: Config }) {
    super(scope, id, props);
    this.network = new Network(this, 'Network', config);
    this.logs = new PrivateBucket(this, 'AccessLogs', { config, expireDays: config.logDays }).bucket;
    allowBalancerLogs(this.logs);
    this.images = new Images(this, 'Images', config);
    this.apiKeys = new ApiKeys(this, 'ApiKeys');
    this.alarms = new AlarmTopic(this, 'Alarms', config);
    const { name, zoneName, zoneId } = config.domain;
    // By attributes, as a look-up would need credentials at synthesis.
    const zone = route53.HostedZone.fromHostedZoneAttributes(this, 'Zone', {
      zoneName,
      hostedZoneId: zoneId,
    });
    this.certificate = new acm.Certificate(this, 'Certificate', {
      domainName: name,
      validation: acm.CertificateValidation.fromDns(zone),
    });
    const outputs = {
      RepositoryUri: this.images.repository.repositoryUri,
      ApiKeysSecret: this.apiKeys.secret.secretArn,
    };
    for (const [key, value] of Object.entries(outputs)) new CfnOutput(this, key, { value });
  }
}
