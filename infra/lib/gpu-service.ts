import {
  Duration,
  aws_ec2 as ec2,
  type aws_ecr as ecr,
  aws_ecs as ecs,
  type aws_elasticloadbalancingv2 as elb,
  aws_logs as logs,
  RemovalPolicy,
  type aws_secretsmanager as secretsmanager,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.js';
import type { Config } from './config.js';
import type { GpuCapacity } from './gpu-capacity.js';
import { addMetricsAgent } from './metrics-agent.js';
import {
  API_KEYS,
  CUDA_CACHE,
  guardEnvironment,
  PORT,
  READY_PATH,
  STOP_SECONDS,
  serverEnvironment,
} from './server.js';

export interface GpuServiceProps {
  config: Config;
  vpc: ec2.IVpc;
  capacity: GpuCapacity;
  targets: elb.ApplicationTargetGroup;
  repository: ecr.IRepository;
  apiKeys: secretsmanager.ISecret;
}

/** The container on the GPU instances: one GPU a task, scaled by requests per task and by CPU. */
export class GpuService extends Construct {
  readonly service: ecs.Ec2Service;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: GpuServiceProps,
  ) {
    super(scope, id);
    const { config, capacity, targets, vpc } = props;
    const { deployment, minTasks, maxTasks, requestsPerTarget, cpuPercent } = config.gpu;
    const securityGroup = new ec2.SecurityGroup(this, 'TaskGroup', {
      vpc,
      description: 'mien tasks: in from the load balancer only',
      allowAllOutbound: false,
    });
    securityGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'CloudWatch');
    this.service = new ecs.Ec2Service(this, 'Service', {
      cluster: capacity.cluster,
      // No desired count: every deployment would set the scaled service back to it. It begins with one task.
      taskDefinition: this.task(),
      capacityProviderStrategies: [{ capacityProvider: capacity.provider.capacityProviderName, weight: 1 }],
      securityGroups: [securityGroup],
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
      // A task holds a whole GPU, so the new one needs another instance (spare), or the old one's (in-place).
      ...(deployment === 'spare'
        ? { minHealthyPercent: 100, maxHealthyPercent: 200 }
        : { minHealthyPercent: 0, maxHealthyPercent: 100 }),
      circuitBreaker: { enable: true, rollback: true },
      // A GPU newer than the CUDA runtime compiles its kernels at the first start: minutes.
      healthCheckGracePeriod: Duration.minutes(10),
      propagateTags: ecs.PropagatedTagSource.SERVICE,
      enableExecuteCommand: false,
    });
    // Also the other way round: the stack's deletion must stop the tasks before it takes their capacity away.
    this.service.node.addDependency(capacity.cluster);
    this.service.attachToApplicationTargetGroup(targets);
    const scaling = this.service.autoScaleTaskCount({ minCapacity: minTasks, maxCapacity: maxTasks });
    const cooldowns = {
      scaleOutCooldown: Duration.minutes(1),
      // Instances take minutes to come back, so they are not let go in a lull.
      scaleInCooldown: Duration.minutes(10),
    };
    scaling.scaleOnRequestCount('Requests', { targetGroup: targets, requestsPerTarget, ...cooldowns });
    // Photos are decoded and searched for faces on the CPU: large ones fill it long before the GPU or any count of requests.
    scaling.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: cpuPercent, ...cooldowns });
  }

  private task(): ecs.Ec2TaskDefinition {
    const { config, repository, apiKeys } = this.props;
    const task = new ecs.Ec2TaskDefinition(this, 'Task', { networkMode: ecs.NetworkMode.AWS_VPC });
    const logGroup = this.logGroup('Logs');
    const server = task.addContainer('mien', {
      image: ecs.ContainerImage.fromEcrRepository(repository, config.images.gpuTag),
      gpuCount: 1,
      cpu: 3072,
      // Of 16 GiB: the agents and the system take about one and a half.
      memoryLimitMiB: 13_312,
      portMappings: [{ containerPort: PORT }],
      environment: { ...serverEnvironment(config), ...guardEnvironment(config) },
      secrets: { [API_KEYS]: ecs.Secret.fromSecretsManager(apiKeys) },
      logging: ecs.LogDriver.awsLogs({ logGroup, streamPrefix: 'mien' }),
      linuxParameters: new ecs.LinuxParameters(this, 'Linux', { initProcessEnabled: true }),
      stopTimeout: Duration.seconds(STOP_SECONDS),
      healthCheck: {
        command: [
          'CMD',
          'node',
          '-e',
          `fetch('http://127.0.0.1:${PORT}${READY_PATH}').then((r)=>process.exit(r.ok?0:1),()=>process.exit(1))`,
        ],
        interval: Duration.seconds(30),
        timeout: Duration.seconds(10),
        retries: 3,
        startPeriod: Duration.minutes(5),
      },
    });
    // On the instance, so that a restarted task finds the kernels that the last one compiled.
    task.addVolume({ name: 'cuda-cache', host: { sourcePath: CUDA_CACHE } });
    server.addMountPoints({ sourceVolume: 'cuda-cache', containerPath: CUDA_CACHE, readOnly: false });
    addMetricsAgent(task, {
      image: config.images.agent,
      stage: config.stage,
      logGroup: this.logGroup('Metrics'),
      logging: ecs.LogDriver.awsLogs({ logGroup, streamPrefix: 'agent' }),
    });
    acknowledge(task, {
      'AwsSolutions-ECS2': 'These variables are no secrets; the API keys come from Secrets Manager.',
    });
    acknowledge(task.obtainExecutionRole(), {
      'AwsSolutions-IAM5[Resource::*]': 'ecr:GetAuthorizationToken takes no resource.',
    });
    return task;
  }

  private logGroup(id: string): logs.LogGroup {
    const { logDays, protect } = this.props.config;
    return new logs.LogGroup(this, id, {
      retention: logDays,
      removalPolicy: protect ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }
}
