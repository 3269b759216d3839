import { aws_autoscaling as autoscaling, aws_ec2 as ec2, aws_ecs as ecs, aws_iam as iam } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.js';
import type { Config } from './config.js';
import { MAKE_CUDA_CACHE } from './server.js';

/** The GPU instances: several types, because one alone is often sold out, behind an ECS capacity provider. */
export class GpuCapacity extends Construct {
  readonly cluster: ecs.Cluster;
  readonly provider: ecs.AsgCapacityProvider;
  readonly group: autoscaling.AutoScalingGroup;

  constructor(scope: Construct, id: string, { config, vpc }: { config: Config; vpc: ec2.IVpc }) {
    super(scope, id);
    const { gpu } = config;
    this.cluster = new ecs.Cluster(this, 'Cluster', {
      vpc,
      containerInsightsV2: ecs.ContainerInsights.ENABLED,
    });
    this.group = new autoscaling.AutoScalingGroup(this, 'Group', {
      vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
      // ECS sets the number: none without tasks; with spare capacity a deploy needs every task twice.
      minCapacity: 0,
      maxCapacity: gpu.deployment === 'spare' ? 2 * gpu.maxTasks : gpu.maxTasks,
      mixedInstancesPolicy: {
        launchTemplate: this.template(vpc, gpu.instanceTypes[0] as string),
        launchTemplateOverrides: gpu.instanceTypes.map((type) => ({
          instanceType: new ec2.InstanceType(type),
        })),
        instancesDistribution: {
          onDemandAllocationStrategy: autoscaling.OnDemandAllocationStrategy.PRIORITIZED,
          onDemandBaseCapacity: gpu.minTasks,
          onDemandPercentageAboveBaseCapacity: 100 - gpu.spotPercent,
          spotAllocationStrategy: autoscaling.SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
        },
      },
      updatePolicy: autoscaling.UpdatePolicy.rollingUpdate({ maxBatchSize: 1 }),
    });
    this.provider = new ecs.AsgCapacityProvider(this, 'Provider', {
      autoScalingGroup: this.group,
      enableManagedScaling: true,
      targetCapacityPercent: 100,
      // An instance that is to go is drained first: its tasks finish, new ones start elsewhere.
      enableManagedDraining: true,
      // Off by default: a protected instance outlives its service, and the stack's deletion waits for it for ever.
      enableManagedTerminationProtection: gpu.terminationProtection,
    });
    this.cluster.addAsgCapacityProvider(this.provider);
    acknowledge(this.group, {
      'AwsSolutions-AS3': 'ECS scales the group; the alarms tell people what matters.',
      'AwsSolutions-EC26':
        'The rule cannot read a mixed-instances policy; the launch template encrypts its volume.',
    });
  }

  private template(vpc: ec2.IVpc, instanceType: string): ec2.LaunchTemplate {
    const securityGroup = new ec2.SecurityGroup(this, 'InstanceGroup', {
      vpc,
      description: 'GPU instances: nothing in; out to ECS, ECR and CloudWatch',
      allowAllOutbound: false,
    });
    securityGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'AWS APIs');
    const role = this.instanceRole();
    const userData = ec2.UserData.forLinux();
    userData.addCommands(
      // Tasks have roles of their own: the instance's is not for them.
      'echo ECS_AWSVPC_BLOCK_IMDS=true >> /etc/ecs/ecs.config',
      // At Spot's two minutes' notice tasks are drained. CDK's spotInstanceDraining is for groups without a mixture.
      'echo ECS_ENABLE_SPOT_INSTANCE_DRAINING=true >> /etc/ecs/ecs.config',
      MAKE_CUDA_CACHE,
    );
    return new ec2.LaunchTemplate(this, 'Template', {
      // By SSM parameter, resolved at deployment: no look-up at synthesis, the newest driver at each update.
      machineImage: ecs.EcsOptimizedImage.amazonLinux2023(ecs.AmiHardwareType.GPU),
      instanceType: new ec2.InstanceType(instanceType),
      userData,
      role,
      securityGroup,
      requireImdsv2: true,
      httpPutResponseHopLimit: 1,
      associatePublicIpAddress: false,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          // The AMI's snapshot has 30 GiB; images with CUDA are large.
          volume: ec2.BlockDeviceVolume.ebs(80, { volumeType: ec2.EbsDeviceVolumeType.GP3, encrypted: true }),
        },
      ],
    });
  }

  /** What the ECS agent needs for this cluster; images are pulled and logs written with the task's execution role. */
  private instanceRole(): iam.IRole {
    const role = new iam.Role(this, 'InstanceRole', {
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
    });
    const agent = (actions: string[], rest: Partial<iam.PolicyStatementProps>) =>
      role.addToPolicy(
        new iam.PolicyStatement({ actions: actions.map((action) => `ecs:${action}`), ...rest }),
      );
    const { clusterArn } = this.cluster;
    agent(
      [
        'RegisterContainerInstance',
        'DeregisterContainerInstance',
        'SubmitAttachmentStateChanges',
        'SubmitContainerStateChange',
        'SubmitTaskStateChange',
      ],
      { resources: [clusterArn] },
    );
    agent(['Poll', 'StartTelemetrySession', 'UpdateContainerInstancesState'], {
      resources: ['*'],
      conditions: { ArnEquals: { 'ecs:cluster': clusterArn } },
    });
    agent(['DiscoverPollEndpoint'], { resources: ['*'] });
    acknowledge(role, {
      'AwsSolutions-IAM5[Resource::*]':
        'Polling takes no resource but is bound to the cluster; discovery is bound to none.',
    });
    // CDK would add actions on every cluster and every log group.
    return role.withoutPolicyUpdates();
  }
}
