import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { synthesise } from '../support/synth.js';

const { templates, resources } = synthesise();
const gpu = templates.gpu;

describe('listener', () => {
  it('is one, HTTPS with the certificate, TLS 1.2 at least', () => {
    gpu?.resourceCountIs('AWS::ElasticLoadBalancingV2::Listener', 1);
    gpu?.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 443,
      Protocol: 'HTTPS',
      SslPolicy: Match.stringLikeRegexp('TLS13-1-2'),
      Certificates: Match.anyValue(),
    });
  });

  it('writes access logs, drops broken headers, and is protected', () => {
    gpu?.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      Scheme: 'internet-facing',
      LoadBalancerAttributes: Match.arrayWith([
        { Key: 'deletion_protection.enabled', Value: 'true' },
        { Key: 'routing.http.drop_invalid_header_fields.enabled', Value: 'true' },
        { Key: 'access_logs.s3.enabled', Value: 'true' },
      ]),
    });
    templates.foundation?.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 's3:PutObject',
            Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
          }),
        ]),
      },
    });
  });

  it('stands behind a web ACL with a rate rule', () => {
    gpu?.hasResourceProperties('AWS::WAFv2::WebACL', {
      Scope: 'REGIONAL',
      Rules: Match.arrayWith([
        Match.objectLike({
          Action: { Block: {} },
          Statement: {
            RateBasedStatement: { AggregateKeyType: 'IP', Limit: 6000, EvaluationWindowSec: 300 },
          },
        }),
      ]),
    });
    const [association] = resources('AWS::WAFv2::WebACLAssociation');
    expect(association?.Properties.ResourceArn.Ref).toMatch(/Balancer/);
  });

  it('hides the metrics, in whatever way their path is written', () => {
    gpu?.hasResourceProperties('AWS::WAFv2::WebACL', {
      Rules: Match.arrayWith([
        Match.objectLike({
          Action: { Block: { CustomResponse: { ResponseCode: 404 } } },
          Statement: {
            ByteMatchStatement: {
              FieldToMatch: { UriPath: {} },
              PositionalConstraint: 'EXACTLY',
              SearchString: '/metrics',
              TextTransformations: [
                { Priority: 0, Type: 'URL_DECODE' },
                { Priority: 1, Type: 'NORMALIZE_PATH' },
              ],
            },
          },
        }),
      ]),
    });
  });

  it('asks the readiness of tasks and lets them finish', () => {
    gpu?.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
      Port: 8080,
      TargetType: 'ip',
      HealthCheckPath: '/readyz',
      TargetGroupAttributes: Match.arrayWith([
        { Key: 'deregistration_delay.timeout_seconds', Value: '30' },
        { Key: 'load_balancing.algorithm.type', Value: 'least_outstanding_requests' },
      ]),
    });
  });
});

describe('capacity', () => {
  it('mixes GPU types, at first on demand', () => {
    gpu?.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      MixedInstancesPolicy: {
        InstancesDistribution: { OnDemandBaseCapacity: 1, OnDemandPercentageAboveBaseCapacity: 100 },
        LaunchTemplate: {
          Overrides: [
            { InstanceType: 'g6.xlarge' },
            { InstanceType: 'g5.xlarge' },
            { InstanceType: 'g4dn.xlarge' },
          ],
        },
      },
    });
  });

  it('takes the GPU AMI by SSM parameter', () => {
    const ami = Object.values(gpu?.findParameters('*') ?? {}).map(({ Default }) => Default);
    expect(ami).toContain('/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id');
  });

  it('drains instances before they go, without the protection that hangs deletion', () => {
    gpu?.hasResourceProperties('AWS::ECS::CapacityProvider', {
      AutoScalingGroupProvider: {
        ManagedDraining: 'ENABLED',
        ManagedScaling: { Status: 'ENABLED', TargetCapacity: 100 },
        ManagedTerminationProtection: 'DISABLED',
      },
    });
  });

  it('protects instances with tasks where asked to', () => {
    const { templates } = synthesise({ gpu: { terminationProtection: true } });
    templates.gpu?.hasResourceProperties('AWS::ECS::CapacityProvider', {
      AutoScalingGroupProvider: { ManagedTerminationProtection: 'ENABLED' },
    });
    templates.gpu?.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      NewInstancesProtectedFromScaleIn: true,
    });
  });

  it('encrypts volumes, insists on IMDSv2, keeps it from tasks, drains at the notice of Spot', () => {
    const [template] = resources('AWS::EC2::LaunchTemplate', 'gpu');
    const data = template?.Properties.LaunchTemplateData;
    expect(data.BlockDeviceMappings[0].Ebs.Encrypted).toBe(true);
    expect(data.MetadataOptions).toEqual({ HttpPutResponseHopLimit: 1, HttpTokens: 'required' });
    expect(data.NetworkInterfaces[0].AssociatePublicIpAddress).toBe(false);
    expect(JSON.stringify(data.UserData)).toContain('ECS_AWSVPC_BLOCK_IMDS=true');
    expect(JSON.stringify(data.UserData)).toContain('ECS_ENABLE_SPOT_INSTANCE_DRAINING=true');
    expect(JSON.stringify(data.UserData)).toContain('install -d -o 10001 -g 10001 /var/cache/cuda');
  });
});

describe('service', () => {
  it('has a GPU a task, the keys as a secret, and 30 s to stop', () => {
    const [task] = resources('AWS::ECS::TaskDefinition');
    const [server] = task?.Properties.ContainerDefinitions ?? [];
    expect(server.ResourceRequirements).toEqual([{ Type: 'GPU', Value: '1' }]);
    expect(server.StopTimeout).toBe(30);
    expect(server.Secrets.map(({ Name }: { Name: string }) => Name)).toEqual(['API_KEYS']);
    expect(JSON.stringify(server.Environment)).not.toContain('API_KEYS');
    expect(server.Environment).toContainEqual({ Name: 'BACKEND', Value: 'node-gpu' });
    expect(server.MountPoints).toEqual([
      { ContainerPath: '/var/cache/cuda', ReadOnly: false, SourceVolume: 'cuda-cache' },
    ]);
  });

  it.each([
    ['spare', 100, 200, '8'],
    ['in-place', 0, 100, '4'],
  ] as const)('deploys %s with one GPU a task', (deployment, minimum, maximum, instances) => {
    const { templates } = synthesise({ gpu: { deployment } });
    templates.gpu?.hasResourceProperties('AWS::ECS::Service', {
      DeploymentConfiguration: {
        MinimumHealthyPercent: minimum,
        MaximumPercent: maximum,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      },
    });
    // Room for the new tasks beside the old ones, or none.
    templates.gpu?.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', { MaxSize: instances });
  });

  it('is deleted before its capacity', () => {
    const [service] = resources('AWS::ECS::Service');
    const associations = Object.keys(
      gpu?.findResources('AWS::ECS::ClusterCapacityProviderAssociations') ?? {},
    );
    expect(associations).toHaveLength(1);
    expect(service?.DependsOn).toEqual(expect.arrayContaining(associations));
  });

  it('keeps the tasks that it has been scaled to when it is deployed anew', () => {
    const [service] = resources('AWS::ECS::Service');
    expect(service?.Properties).not.toHaveProperty('DesiredCount');
  });

  it('scales by requests a target and by CPU, which photos may fill before', () => {
    gpu?.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      MinCapacity: 1,
      MaxCapacity: 4,
    });
    gpu?.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: 450,
        ScaleInCooldown: 600,
        PredefinedMetricSpecification: { PredefinedMetricType: 'ALBRequestCountPerTarget' },
      },
    });
    gpu?.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: 60,
        ScaleInCooldown: 600,
        PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
      },
    });
  });
});
