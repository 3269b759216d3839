import { describe, expect, it } from 'vitest';
import { synthesise } from '../support/synth.js';

const { templates, resources } = synthesise({ owner: 'vision', stage: 'test' });

const policies = ['AWS::IAM::Policy', 'AWS::IAM::Role', 'AWS::IAM::ManagedPolicy'].flatMap((type) =>
  resources(type).flatMap(({ Properties }) => [
    ...(Properties.PolicyDocument?.Statement ?? []),
    ...(Properties.Policies ?? []).flatMap(
      (policy: { PolicyDocument: { Statement: unknown[] } }) => policy.PolicyDocument.Statement,
    ),
  ]),
);

describe('nothing is public but the listener', () => {
  it('opens one port of one security group', () => {
    const rules = [
      ...resources('AWS::EC2::SecurityGroup').flatMap(
        ({ Properties }) => Properties.SecurityGroupIngress ?? [],
      ),
      ...resources('AWS::EC2::SecurityGroupIngress').map(({ Properties }) => Properties),
    ];
    const open = rules.filter(({ CidrIp, CidrIpv6 }) => CidrIp || CidrIpv6);
    expect(open).toEqual([expect.objectContaining({ CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443 })]);
  });

  it('lets tasks be reached from the load balancer only', () => {
    const [rule, ...others] = resources('AWS::EC2::SecurityGroupIngress');
    expect(others).toEqual([]);
    expect(rule?.Properties).toMatchObject({ FromPort: 8080, ToPort: 8080 });
    expect(JSON.stringify(rule?.Properties.SourceSecurityGroupId)).toContain('Balancer');
  });

  it('lets nothing but HTTPS out', () => {
    const out = resources('AWS::EC2::SecurityGroup')
      .filter(({ Properties }) => !Properties.GroupDescription.includes('ELB'))
      .flatMap(({ Properties }) => Properties.SecurityGroupEgress);
    expect(out.length).toBeGreaterThan(0);
    for (const rule of out) expect(rule).toMatchObject({ FromPort: 443, ToPort: 443, IpProtocol: 'tcp' });
  });

  it('keeps buckets private, encrypted and reached over TLS', () => {
    const buckets = resources('AWS::S3::Bucket');
    expect(buckets).toHaveLength(2);
    for (const { Properties } of buckets) {
      expect(Object.values(Properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
      expect(Properties.BucketEncryption).toBeDefined();
    }
    for (const { Properties } of resources('AWS::S3::BucketPolicy'))
      expect(Properties.PolicyDocument.Statement).toContainEqual(
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      );
  });

  it('gives no public address, and instances private subnets', () => {
    for (const { Properties } of resources('AWS::EC2::Subnet'))
      expect(Properties.MapPublicIpOnLaunch).toBe(false);
    for (const { Properties } of resources('AWS::AutoScaling::AutoScalingGroup'))
      expect(JSON.stringify(Properties.VPCZoneIdentifier)).not.toContain('public');
    for (const { Properties } of resources('AWS::Batch::ComputeEnvironment'))
      expect(JSON.stringify(Properties.ComputeResources.Subnets)).not.toContain('public');
  });
});

it('fits three zones into the smallest network that the configuration takes', () => {
  const cidr = '10.42.64.0/18';
  const { resources: small } = synthesise({ network: { cidr, zones: 3 } });
  const blocks = small('AWS::EC2::Subnet').map(({ Properties }) => Properties.CidrBlock);
  const publicOnes = ['10.42.64.0/24', '10.42.65.0/24', '10.42.66.0/24'];
  const privateOnes = ['10.42.80.0/20', '10.42.96.0/20', '10.42.112.0/20'];
  expect(blocks).toEqual([...publicOnes, ...privateOnes]);
  const zones = small('AWS::EC2::Subnet').map(({ Properties }) =>
    JSON.stringify(Properties.AvailabilityZone),
  );
  expect(new Set(zones).size).toBe(3);
});

describe('least privilege', () => {
  it('grants no action by wildcard', () => {
    const wild = policies.flatMap(({ Action }) => Action).filter((action) => action?.includes('*'));
    expect(wild).toEqual([]);
  });

  it('grants on every resource only what takes none', () => {
    const granted = policies
      .filter(({ Resource }) => [Resource].flat().includes('*'))
      .flatMap(({ Action }) => Action as string | string[]);
    expect([...new Set(granted)].sort()).toMatchInlineSnapshot(`
      [
        "cloudwatch:PutMetricData",
        "ecr:GetAuthorizationToken",
        "ecs:DiscoverPollEndpoint",
        "ecs:Poll",
        "ecs:StartTelemetrySession",
        "ecs:UpdateContainerInstancesState",
      ]
    `);
  });

  it('gives every role one service, and one managed policy in all, for the instances of Batch', () => {
    const managed = resources('AWS::IAM::Role').flatMap(
      ({ Properties }) => Properties.ManagedPolicyArns ?? [],
    );
    const names = managed.map((arn) => /policy\/[\w/-]+/.exec(JSON.stringify(arn))?.[0]);
    expect([...new Set(names)].sort()).toMatchInlineSnapshot(`
      [
        "policy/service-role/AmazonEC2ContainerServiceforEC2Role",
      ]
    `);
  });
});

it('tags what can be tagged', () => {
  const tagged = [
    'AWS::EC2::VPC',
    'AWS::ECS::Service',
    'AWS::Lambda::Function',
    'AWS::SageMaker::Endpoint',
    'AWS::S3::Bucket',
  ];
  for (const type of tagged)
    for (const { Properties } of resources(type))
      expect(Properties.Tags).toEqual(
        expect.arrayContaining([
          { Key: 'owner', Value: 'vision' },
          { Key: 'project', Value: 'mien' },
          { Key: 'stage', Value: 'test' },
        ]),
      );
});

it('keeps data by default and leaves nothing where told to', () => {
  const kept = ['AWS::S3::Bucket', 'AWS::ECR::Repository', 'AWS::Logs::LogGroup'];
  for (const type of kept) for (const each of resources(type)) expect(each.DeletionPolicy).toBe('Retain');
  const { resources: bare } = synthesise({ protect: false });
  for (const type of kept) for (const each of bare(type)) expect(each.DeletionPolicy).toBe('Delete');
});

it('keeps twenty images of each kind', () => {
  const [repository] = resources('AWS::ECR::Repository');
  const { rules } = JSON.parse(repository?.Properties.LifecyclePolicy.LifecyclePolicyText);
  const kept = rules.map(({ selection }: { selection: object }) => selection);
  const twenty = { tagStatus: 'tagged', countType: 'imageCountMoreThan', countNumber: 20 };
  expect(kept).toEqual(
    ['gpu-', 'sagemaker-'].map((prefix) => expect.objectContaining({ ...twenty, tagPrefixList: [prefix] })),
  );
});

it('names nothing but the ECR repository, so that a second stage fits beside the first', () => {
  expect(Object.keys(templates)).toEqual(['foundation', 'gpu', 'fallback', 'sagemaker', 'training']);
  const named = resources('AWS::Logs::LogGroup', 'sagemaker');
  for (const type of ['AWS::S3::Bucket', 'AWS::IAM::Role', 'AWS::ECS::Cluster', 'AWS::Logs::LogGroup'])
    for (const { Properties } of resources(type).filter((each) => !named.includes(each)))
      expect(
        Object.keys(Properties ?? {}).filter((key) => /^(Bucket|Role|Cluster|LogGroup)Name$/.test(key)),
      ).toEqual([]);
});
