import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { app } from '../support/synth.js';
import { pythonWith } from '../support/tools.js';

const python = pythonWith('moto', "the deployment to moto's server");

interface Report {
  moto: string;
  stacks: Record<
    string,
    { created: string; reason: string; expected: string[]; resources: string[]; deleted: string }
  >;
  'passed over': string[];
  'not deleted by moto': string[];
  during: Record<string, string[]>;
  left: Record<string, string[]>;
}

const NAMES = ['foundation', 'gpu', 'fallback', 'sagemaker', 'training'].map((name) => `mien-prod-${name}`);

describe.skipIf(!python)("the templates in moto's CloudFormation", () => {
  let report: Report;

  beforeAll(() => {
    // A type that moto's SageMaker knows; nothing is kept, so that deletion can be seen to leave nothing.
    const { directory } = app({ protect: false, sagemaker: { instanceType: 'ml.g4dn.xlarge' } }).synth();
    const script = fileURLToPath(new URL('deploy.py', import.meta.url));
    const { stdout, stderr } = spawnSync(python as string, [script, directory, ...NAMES], {
      encoding: 'utf8',
    });
    expect(stdout, stderr).not.toBe('');
    report = JSON.parse(stdout);
  });

  it.each(NAMES)('%s reaches CREATE_COMPLETE with all that moto models, and is deleted', (name) => {
    const stack = report.stacks[name];
    expect(stack?.created, stack?.reason).toBe('CREATE_COMPLETE');
    expect(stack?.resources).toEqual(stack?.expected);
    expect(stack?.deleted).toBe('DELETE_COMPLETE');
  });

  it('is there in between (control)', () => {
    expect(Object.keys(report.during)).toEqual(
      expect.arrayContaining([
        'vpcs',
        'balancers',
        'clusters',
        'functions',
        'endpoints',
        'queues',
        'records',
      ]),
    );
  });

  it('leaves nothing', () => {
    expect(report.left).toEqual({});
  });

  it('cannot model these types, which the template assertions alone cover', () => {
    expect(report['passed over']).toMatchInlineSnapshot(`
      [
        "AWS::ApiGatewayV2::Api",
        "AWS::ApiGatewayV2::ApiMapping",
        "AWS::ApiGatewayV2::DomainName",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::Stage",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CertificateManager::Certificate",
        "AWS::CloudWatch::Alarm",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::ECS::CapacityProvider",
        "AWS::ECS::ClusterCapacityProviderAssociations",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SecretsManager::Secret",
        "AWS::WAFv2::WebACL",
        "AWS::WAFv2::WebACLAssociation",
      ]
    `);
  });

  it('makes these and has no deletion for them, so that the test deletes them through their own APIs', () => {
    expect(report['not deleted by moto']).toMatchInlineSnapshot(`
      [
        "clusters",
        "compute environments",
        "queues",
        "target groups",
      ]
    `);
  });
});
