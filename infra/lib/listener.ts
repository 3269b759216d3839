import {
  type aws_certificatemanager as acm,
  Duration,
  type aws_ec2 as ec2,
  aws_elasticloadbalancingv2 as elb,
  aws_iam as iam,
  type aws_s3 as s3,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.js';
import type { Config } from './config.js';
import { PORT, READY_PATH } from './server.js';
import { WebAcl } from './web-acl.js';

export interface ListenerProps {
  config: Config;
  vpc: ec2.IVpc;
  certificate: acm.ICertificate;
  /** Receives the access logs. */
  logs: s3.IBucket;
}

/** All that the internet sees: a load balancer with one listener, HTTPS on 443, behind the web ACL. */
export class Listener extends Construct {
  readonly balancer: elb.ApplicationLoadBalancer;
  readonly targets: elb.ApplicationTargetGroup;

  constructor(scope: Construct, id: string, { config, vpc, certificate, logs }: ListenerProps) {
    super(scope, id);
    this.balancer = new elb.ApplicationLoadBalancer(this, 'Balancer', {
      vpc,
      internetFacing: true,
      dropInvalidHeaderFields: true,
      deletionProtection: config.protect,
      idleTimeout: Duration.seconds(60),
      xAmznTlsVersionAndCipherSuiteHeaders: false,
    });
    this.logTo(logs);
    this.targets = new elb.ApplicationTargetGroup(this, 'Targets', {
      vpc,
      port: PORT,
      protocol: elb.ApplicationProtocol.HTTP,
      targetType: elb.TargetType.IP,
      // A batch on one GPU is slower than on another: the shortest queue is the fairest.
      loadBalancingAlgorithmType: elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
      deregistrationDelay: Duration.seconds(30),
      healthCheck: {
        path: READY_PATH,
        healthyHttpCodes: '200',
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 3,
      },
    });
    this.balancer.addListener('Https', {
      port: 443,
      protocol: elb.ApplicationProtocol.HTTPS,
      certificates: [certificate],
      sslPolicy: elb.SslPolicy.RECOMMENDED_TLS,
      defaultTargetGroups: [this.targets],
      open: true,
    });
    new WebAcl(this, 'WebAcl', { resourceArn: this.balancer.loadBalancerArn, limit: config.rateLimit });
    acknowledge(this.balancer.connections.securityGroups[0] as ec2.SecurityGroup, {
      'AwsSolutions-EC23': 'This is the public listener: 443 only, behind the web ACL.',
    });
  }

  /** By attributes: `logAccessLogs` would look the region's account up, which newer regions do not have. */
  private logTo(logs: s3.IBucket): void {
    this.balancer.setAttribute('access_logs.s3.enabled', 'true');
    this.balancer.setAttribute('access_logs.s3.bucket', logs.bucketName);
    this.balancer.setAttribute('access_logs.s3.prefix', 'alb');
  }
}

/** Lets load balancers of this account write below `alb/`; it belongs to the bucket's stack. */
export function allowBalancerLogs(logs: s3.Bucket): void {
  logs.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
      actions: ['s3:PutObject'],
      resources: [logs.arnForObjects(`alb/AWSLogs/${logs.stack.account}/*`)],
    }),
  );
}
