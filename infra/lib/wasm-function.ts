import {
  type aws_certificatemanager as acm,
  aws_apigatewayv2 as api,
  Duration,
  aws_iam as iam,
  aws_apigatewayv2_integrations as integrations,
  aws_lambda as lambda,
  aws_logs as logs,
  RemovalPolicy,
  type aws_secretsmanager as secretsmanager,
  type aws_sns as sns,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.js';
import type { Config } from './config.js';
import { FailoverRecord } from './failover-record.js';
import { FallbackAlarms } from './fallback-alarms.js';
import { lambdaCode } from './lambda-code.js';
import { API_KEYS, guardEnvironment } from './server.js';

export interface WasmFunctionProps {
  config: Config;
  certificate: acm.ICertificate;
  apiKeys: secretsmanager.ISecret;
  /** Hears of errors. */
  topic: sns.ITopic;
}

/**
 * The fallback: the same app in a Lambda, on WASM, behind an HTTP API that has the same name as the GPU endpoint.
 * Route 53 answers with it while no GPU task is healthy. It takes bodies of up to 4.5 MB (6 MB as base64).
 */
export class WasmFunction extends Construct {
  readonly function: lambda.Function;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: WasmFunctionProps,
  ) {
    super(scope, id);
    this.function = this.lambda();
    const domain = new api.DomainName(this, 'Domain', {
      domainName: props.config.domain.name,
      certificate: props.certificate,
      securityPolicy: api.SecurityPolicy.TLS_1_2,
    });
    new FallbackAlarms(this, 'Alarms', {
      function: this.function,
      api: this.api(domain),
      topic: props.topic,
    });
    new FailoverRecord(this, 'Name', {
      config: props.config,
      role: 'SECONDARY',
      target: { dnsName: domain.regionalDomainName, hostedZoneId: domain.regionalHostedZoneId },
    });
  }

  private lambda(): lambda.Function {
    const { config, apiKeys } = this.props;
    const { memory, timeout, concurrency } = config.fallback;
    const code = lambdaCode(this);
    const logGroup = this.logGroup('Logs');
    // Its own role: the managed policy would let it write to every log group of the account.
    const role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    return new lambda.Function(this, 'Function', {
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      code,
      handler: 'index.handler',
      memorySize: memory,
      timeout: Duration.seconds(timeout),
      ...(concurrency > 0 && { reservedConcurrentExecutions: concurrency }),
      role,
      logGroup,
      // Resolved at deployment. What the function's configuration shows are hashes of random keys, so nothing to use.
      // CloudFormation reads the secret only when something else of the function changes: the keys' version does.
      environment: {
        [API_KEYS]: apiKeys.secretValue.unsafeUnwrap(),
        ...guardEnvironment(config),
      },
    });
  }

  private api(domain: api.DomainName): api.HttpApi {
    const { ratePerSecond, burst } = this.props.config.fallback;
    const http = new api.HttpApi(this, 'Api', {
      createDefaultStage: false,
      // Only the shared name answers, so that its keys and its certificate are the only way in.
      disableExecuteApiEndpoint: true,
      defaultIntegration: new integrations.HttpLambdaIntegration('Wasm', this.function),
    });
    new api.HttpStage(this, 'Stage', {
      httpApi: http,
      stageName: '$default',
      autoDeploy: true,
      domainMapping: { domainName: domain },
      // An HTTP API takes no web ACL: these bounds stand in for the rate rule.
      throttle: { rateLimit: ratePerSecond, burstLimit: burst },
      accessLogSettings: { destination: new api.LogGroupLogDestination(this.logGroup('Access')) },
    });
    acknowledge(http, {
      'AwsSolutions-APIG4': 'The app checks the API keys itself, as behind the load balancer.',
    });
    return http;
  }

  private logGroup(id: string): logs.LogGroup {
    const { logDays, protect } = this.props.config;
    return new logs.LogGroup(this, id, {
      retention: logDays,
      removalPolicy: protect ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }
}
