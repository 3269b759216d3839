import { aws_ec2 as ec2, Fn, aws_logs as logs, RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { Config } from './config.js';

/**
 * The VPC: the load balancer in public subnets, everything else in private ones behind NAT. S3 is reached through a
 * gateway endpoint (free), so that pictures and weights do not pay for NAT.
 */
export class Network extends Construct {
  readonly vpc: ec2.Vpc;

  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id);
    const { cidr, zones, natGateways } = config.network;
    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(cidr),
      // Said one by one: of a stack whose account is not known CDK takes two at most, whatever maxAzs says.
      availabilityZones: Array.from({ length: zones }, (_, zone) => Fn.select(zone, Fn.getAzs())),
      natGateways,
      subnetConfiguration: [
        // No public address unless asked for: only the load balancer and NAT live here.
        { name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        { name: 'private', subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
      ],
      gatewayEndpoints: { S3: { service: ec2.GatewayVpcEndpointAwsService.S3 } },
    });
    this.vpc.addFlowLog('FlowLog', {
      destination: ec2.FlowLogDestination.toCloudWatchLogs(
        new logs.LogGroup(this, 'FlowLogs', {
          retention: config.logDays,
          removalPolicy: config.protect ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
        }),
      ),
      // What was refused is what one looks for; accepted traffic is in the access logs, and costs by the gigabyte.
      trafficType: ec2.FlowLogTrafficType.REJECT,
    });
  }
}
