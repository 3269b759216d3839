import {
  ArnFormat,
  aws_cloudwatch as cloudwatch,
  Duration,
  type aws_ecr as ecr,
  Fn,
  aws_iam as iam,
  aws_logs as logs,
  RemovalPolicy,
  Stack,
  aws_sagemaker as sagemaker,
  aws_applicationautoscaling as scaling,
  type aws_sns as sns,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.js';
import { addAlarm } from './alarm.js';
import type { Config } from './config.js';
import { serverEnvironment } from './server.js';

const VARIANT = 'main';
/** Below it SageMaker writes what the containers of an endpoint write. */
const LOGS = '/aws/sagemaker/Endpoints/';

export interface SageMakerEndpointProps {
  config: Config;
  repository: ecr.IRepository;
  /** Hears of errors. */
  topic: sns.ITopic;
}

/**
 * The same container as a SageMaker endpoint: `/ping` and `/invocations`, reached with AWS credentials only. The
 * weights are in the image and the container is isolated: it has no network, and nothing is captured.
 */
export class SageMakerEndpoint extends Construct {
  readonly endpoint: sagemaker.CfnEndpoint;

  constructor(scope: Construct, id: string, { config, repository, topic }: SageMakerEndpointProps) {
    super(scope, id);
    const { instanceType, minInstances, maxInstances, invocationsPerInstance } = config.sagemaker;
    const role = this.role(repository);
    const model = new sagemaker.CfnModel(this, 'Model', {
      executionRoleArn: role.roleArn,
      enableNetworkIsolation: true,
      primaryContainer: {
        image: repository.repositoryUriForTag(config.images.sagemakerTag),
        environment: serverEnvironment(config),
      },
    });
    // SageMaker pulls the image when the model is created, so the role must be complete by then.
    model.node.addDependency(role.node.findChild('DefaultPolicy'));
    const endpointConfig = new sagemaker.CfnEndpointConfig(this, 'Config', {
      productionVariants: [
        {
          variantName: VARIANT,
          modelName: model.attrModelName,
          instanceType,
          initialInstanceCount: minInstances,
          initialVariantWeight: 1,
          // Kernels are compiled at the first start on GPUs newer than the CUDA runtime.
          containerStartupHealthCheckTimeoutInSeconds: 900,
        },
      ],
    });
    // Named by us, so that the log group is here before SageMaker makes one that keeps everything. The stack's own id
    // is in the name: the logs of one that was deleted are kept under theirs.
    const endpointName = `mien-${config.stage}-${Fn.select(2, Fn.split('/', Stack.of(this).stackId))}`;
    const logGroup = new logs.LogGroup(this, 'Logs', {
      logGroupName: `${LOGS}${endpointName}`,
      retention: config.logDays,
      removalPolicy: config.protect ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    this.endpoint = new sagemaker.CfnEndpoint(this, 'Endpoint', {
      endpointName,
      endpointConfigName: endpointConfig.attrEndpointConfigName,
      // Scaling changes the weights and counts; an update of the stack must not set them back.
      retainAllVariantProperties: true,
    });
    this.endpoint.node.addDependency(logGroup);
    addAlarm(this, 'Errors', topic, {
      alarmDescription: 'SageMaker invocations that end in 5xx, a minute',
      metric: new cloudwatch.Metric({
        namespace: 'AWS/SageMaker',
        metricName: 'Invocation5XXErrors',
        dimensionsMap: { EndpointName: this.endpoint.attrEndpointName, VariantName: VARIANT },
        statistic: cloudwatch.Stats.SUM,
        period: Duration.minutes(1),
      }),
      threshold: 5,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    });
    new scaling.ScalableTarget(this, 'Scaling', {
      serviceNamespace: scaling.ServiceNamespace.SAGEMAKER,
      resourceId: `endpoint/${this.endpoint.attrEndpointName}/variant/${VARIANT}`,
      scalableDimension: 'sagemaker:variant:DesiredInstanceCount',
      minCapacity: minInstances,
      maxCapacity: maxInstances,
    }).scaleToTrackMetric('Invocations', {
      predefinedMetric: scaling.PredefinedMetric.SAGEMAKER_VARIANT_INVOCATIONS_PER_INSTANCE,
      targetValue: invocationsPerInstance,
      scaleOutCooldown: Duration.minutes(1),
      scaleInCooldown: Duration.minutes(10),
    });
  }

  /** Pulls the image, writes its logs and metrics: no more. */
  private role(repository: ecr.IRepository): iam.Role {
    const stack = Stack.of(this);
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com'),
    });
    repository.grantPull(role);
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: [
          'logs:CreateLogGroup',
          'logs:CreateLogStream',
          'logs:DescribeLogStreams',
          'logs:PutLogEvents',
        ],
        resources: [
          stack.formatArn({
            service: 'logs',
            resource: 'log-group',
            resourceName: `${LOGS}*`,
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        ],
      }),
    );
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['cloudwatch:PutMetricData'],
        resources: ['*'],
        conditions: { StringLike: { 'cloudwatch:namespace': ['AWS/SageMaker', '/aws/sagemaker/*'] } },
      }),
    );
    acknowledge(role, {
      'AwsSolutions-IAM5[Resource::*]':
        'ecr:GetAuthorizationToken and cloudwatch:PutMetricData take no resource; the namespace bounds the latter.',
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:${stack.region}:<AWS::AccountId>:log-group:/aws/sagemaker/Endpoints/*]`]:
        'SageMaker looks for the log group itself: it finds the one that is made here.',
    });
    return role;
  }
}
