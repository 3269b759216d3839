import { aws_batch as batch, aws_ec2 as ec2, aws_iam as iam } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.js';
import type { Config } from './config.js';
import { MAKE_CUDA_CACHE } from './server.js';

export interface GpuQueueProps {
  config: Config;
  vpc: ec2.IVpc;
  instanceTypes: string[];
}

/** A Batch queue on GPU instances that exist only while there are jobs. Batch picks the GPU AMI itself. */
export class GpuQueue extends Construct {
  readonly queue: batch.JobQueue;

  constructor(scope: Construct, id: string, { config, vpc, instanceTypes }: GpuQueueProps) {
    super(scope, id);
    const { spot, maxVcpus } = config.training;
    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'mien jobs: nothing in; out to AWS',
      allowAllOutbound: false,
    });
    securityGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'AWS APIs');
    // Batch puts its own part beside this one, so it has to be of several parts.
    const userData = new ec2.MultipartUserData();
    const commands = ec2.UserData.forLinux();
    commands.addCommands(MAKE_CUDA_CACHE);
    userData.addUserDataPart(commands);
    const template = new ec2.LaunchTemplate(this, 'Template', {
      userData,
      requireImdsv2: true,
      httpPutResponseHopLimit: 1,
      // The data set, the checkpoints and an image with CUDA.
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: ec2.BlockDeviceVolume.ebs(200, {
            volumeType: ec2.EbsDeviceVolumeType.GP3,
            encrypted: true,
          }),
        },
      ],
    });
    const environment = new batch.ManagedEc2EcsComputeEnvironment(this, 'Environment', {
      vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
      securityGroups: [securityGroup],
      instanceTypes: instanceTypes.map((type) => new ec2.InstanceType(type)),
      useOptimalInstanceClasses: false,
      minvCpus: 0,
      maxvCpus: maxVcpus,
      spot,
      allocationStrategy: spot
        ? batch.AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED
        : batch.AllocationStrategy.BEST_FIT_PROGRESSIVE,
      instanceRole: this.instanceRole(),
      launchTemplate: template,
      // Whatever updates the instances also takes the newest AMI, and so the newest driver.
      updateToLatestImageVersion: true,
      terminateOnUpdate: false,
    });
    // Batch keeps to the version that it was made with, even of $Latest; a number that changes is an update of it.
    (environment.node.defaultChild as batch.CfnComputeEnvironment).addPropertyOverride(
      'ComputeResources.LaunchTemplate.Version',
      template.latestVersionNumber,
    );
    this.queue = new batch.JobQueue(this, 'Queue', {
      priority: 1,
      computeEnvironments: [{ computeEnvironment: environment, order: 1 }],
    });
  }

  private instanceRole(): iam.Role {
    const role = new iam.Role(this, 'InstanceRole', {
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: [
        iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonEC2ContainerServiceforEC2Role'),
      ],
    });
    acknowledge(role, {
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role]':
        'Batch makes the cluster itself, under a name of its own, and asks for this policy on its instances.',
    });
    return role;
  }
}
