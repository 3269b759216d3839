import { Stack, aws_s3 as s3 } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { acknowledgements } from '../../lib/acknowledge.js';
import { app } from '../support/synth.js';

/** The findings of the AwsSolutions pack, rule and construct, with or without the exceptions. */
function findings(root: ReturnType<typeof app>, exceptions = true): string[] {
  const pack = new AwsSolutionsChecks(root);
  if (!exceptions) Object.assign(pack, { isAcknowledged: () => false });
  return pack
    .validateScope(root)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath}`),
    )
    .sort();
}

/** Our exceptions; CDK's own constructs have some from CDK's rules. */
const exceptions = (root: ReturnType<typeof app>) =>
  acknowledgements(root).filter(({ id }) => !id.startsWith('CloudFormation-Validate::'));

describe('cdk-nag, AwsSolutions', () => {
  it.each([
    {},
    { protect: false },
    { gpu: { deployment: 'in-place', terminationProtection: true, spotPercent: 100 } },
    { training: { spot: false } },
    { images: { jobs: '123456789012.dkr.ecr.us-east-1.amazonaws.com/jobs:1' } },
  ] as const)('finds nothing that has no reason, %j', (config) => {
    expect(findings(app(config))).toEqual([]);
  });

  it('finds what is wrong (control)', () => {
    const root = app();
    new s3.Bucket(new Stack(root, 'Careless'), 'Bucket');
    expect(findings(root)).toEqual([
      'AwsSolutions-S1 Careless/Bucket/Resource',
      'AwsSolutions-S10 Careless/Bucket/Resource',
    ]);
  });

  it('has just these exceptions', () => {
    const root = app();
    const rules = exceptions(root).map(({ path, id }) => `${path.replace(/^mien-prod-/, '')} ${id}`);
    expect(rules.sort()).toMatchInlineSnapshot(`
      [
        "fallback/WasmFunction/Api AwsSolutions-APIG4",
        "foundation/AccessLogs/Bucket AwsSolutions-S1",
        "foundation/ApiKeys/Secret AwsSolutions-SMG4",
        "gpu/GpuEndpoint/Capacity/Group AwsSolutions-AS3",
        "gpu/GpuEndpoint/Capacity/Group AwsSolutions-EC26",
        "gpu/GpuEndpoint/Capacity/InstanceRole AwsSolutions-IAM5[Resource::*]",
        "gpu/GpuEndpoint/Listener/Balancer/SecurityGroup AwsSolutions-EC23",
        "gpu/GpuEndpoint/Service/Task AwsSolutions-ECS2",
        "gpu/GpuEndpoint/Service/Task/ExecutionRole AwsSolutions-IAM5[Resource::*]",
        "sagemaker/SageMakerEndpoint/Role AwsSolutions-IAM5[Resource::*]",
        "sagemaker/SageMakerEndpoint/Role AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:us-east-1:<AWS::AccountId>:log-group:/aws/sagemaker/Endpoints/*]",
        "training/ScoreQueue/InstanceRole AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role]",
        "training/ScoringJob/ExecutionRole AwsSolutions-IAM5[Resource::*]",
        "training/ScoringJob/Role AwsSolutions-IAM5[Resource::<DataBucketE6B0FAA8.Arn>/photos/*]",
        "training/ScoringJob/Role AwsSolutions-IAM5[Resource::<DataBucketE6B0FAA8.Arn>/scores/*]",
        "training/TrainQueue/InstanceRole AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role]",
        "training/TrainingJob/Role AwsSolutions-IAM5[Resource::<DataBucketE6B0FAA8.Arn>/data/*]",
        "training/TrainingJob/Role AwsSolutions-IAM5[Resource::<DataBucketE6B0FAA8.Arn>/models/*]",
        "training/TrainingJob/Role AwsSolutions-IAM5[Resource::<DataBucketE6B0FAA8.Arn>/runs/*]",
      ]
    `);
  });

  it('accepts findings that are there: without the exceptions, the pack finds each of them', () => {
    const root = app();
    const accepted = exceptions(root).filter(({ id }) => id.startsWith('AwsSolutions'));
    const found = findings(root, false);
    for (const { path, id } of accepted)
      expect(
        found.some((finding) => finding.startsWith(`${id} ${path}`)),
        `${id} at ${path}`,
      ).toBe(true);
  });

  it('has a reason for each, in a sentence', () => {
    for (const { reason, id } of exceptions(app())) expect(reason, id).toMatch(/^.{20,}\.$/);
  });
});
