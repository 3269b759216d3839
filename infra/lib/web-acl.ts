import { aws_wafv2 as wafv2 } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { METRICS_PATH } from './server.js';

const seen = (metricName: string) => ({
  metricName,
  cloudWatchMetricsEnabled: true,
  sampledRequestsEnabled: false,
});

/**
 * The web ACL: so many requests per five minutes and address, and nobody sees the metrics. Amazon's common rule set is left out, as it
 * refuses bodies over 8 KB, which photos are. Sampling is off: samples keep headers, and so API keys.
 */
export class WebAcl extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, { resourceArn, limit }: { resourceArn: string; limit: number }) {
    super(scope, id);
    const acl = new wafv2.CfnWebACL(this, 'Acl', {
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: seen('mien'),
      rules: [
        {
          name: 'rate',
          priority: 0,
          action: { block: {} },
          statement: { rateBasedStatement: { limit, aggregateKeyType: 'IP', evaluationWindowSec: 300 } },
          visibilityConfig: seen('mien-rate'),
        },
        {
          name: 'metrics',
          priority: 1,
          action: { block: { customResponse: { responseCode: 404 } } },
          statement: {
            byteMatchStatement: {
              fieldToMatch: { uriPath: {} },
              positionalConstraint: 'EXACTLY',
              searchString: METRICS_PATH,
              // As the server reads a path: a rule of the listener would let /%6detrics through.
              textTransformations: [
                { priority: 0, type: 'URL_DECODE' },
                { priority: 1, type: 'NORMALIZE_PATH' },
              ],
            },
          },
          visibilityConfig: seen('mien-metrics'),
        },
      ],
    });
    this.arn = acl.attrArn;
    new wafv2.CfnWebACLAssociation(this, 'Association', { resourceArn, webAclArn: acl.attrArn });
  }
}
