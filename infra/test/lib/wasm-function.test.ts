import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { lambdaCode } from '../../lib/lambda-code.js';
import { handler } from '../../placeholder/index.mjs';
import { synthesise } from '../support/synth.js';

const { templates, resources } = synthesise();

describe('the shared name', () => {
  it('is the load balancer while a task is healthy, and the API otherwise', () => {
    const records = resources('AWS::Route53::RecordSet').map(({ Properties }) => Properties);
    expect(records.map(({ Name, Type }) => [Name, Type])).toEqual([
      ['mien.example.com.', 'A'],
      ['mien.example.com.', 'A'],
    ]);
    const [primary] = records.filter(({ Failover }) => Failover === 'PRIMARY');
    const [secondary] = records.filter(({ Failover }) => Failover === 'SECONDARY');
    expect(primary.AliasTarget.EvaluateTargetHealth).toBe(true);
    expect(JSON.stringify(primary.AliasTarget.DNSName)).toContain('Balancer');
    expect(secondary.AliasTarget.EvaluateTargetHealth).toBe(false);
    expect(JSON.stringify(secondary.AliasTarget.DNSName)).toContain('RegionalDomainName');
    expect(primary.SetIdentifier).not.toBe(secondary.SetIdentifier);
  });

  it('is the only way to the API, with the same certificate', () => {
    templates.fallback?.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true });
    templates.fallback?.hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
      DomainName: 'mien.example.com',
      DomainNameConfigurations: [Match.objectLike({ SecurityPolicy: 'TLS_1_2' })],
    });
    const certificate = (json: unknown) => /ExportsOutputRefCertificate\w+/.exec(JSON.stringify(json))?.[0];
    const ofApi = certificate(resources('AWS::ApiGatewayV2::DomainName'));
    expect(ofApi).toBeDefined();
    expect(certificate(resources('AWS::ElasticLoadBalancingV2::Listener'))).toBe(ofApi);
  });
});

describe('the function', () => {
  it('runs WASM on one vCPU, bounded', () => {
    templates.fallback?.hasResourceProperties('AWS::Lambda::Function', {
      Architectures: ['arm64'],
      MemorySize: 1769,
      Timeout: 25,
      ReservedConcurrentExecutions: 50,
    });
    templates.fallback?.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
      AccessLogSettings: Match.anyValue(),
    });
  });

  it('gets the hashes of the keys at deployment: the template has none', () => {
    const [each] = resources('AWS::Lambda::Function');
    expect(JSON.stringify(each?.Properties.Environment.Variables.API_KEYS)).toContain(
      '{{resolve:secretsmanager:',
    );
  });
});

it('takes revoked keys from both endpoints: another version of the keys changes both, and nothing else', () => {
  const both = [1, 2].map((keysVersion) => synthesise({ keysVersion }));
  for (const type of ['AWS::Lambda::Function', 'AWS::ECS::TaskDefinition']) {
    const [before, after] = both.map(({ resources }) => JSON.stringify(resources(type)[0]?.Properties));
    expect(after).not.toBe(before);
    expect(after?.replace(/("KEYS_VERSION"[^}]*)"2"/, '$1"1"')).toBe(before);
  }
});

it('is watched: its errors, its throttles, and 5xx of the API', () => {
  const alarms = resources('AWS::CloudWatch::Alarm', 'fallback').map(({ Properties }) => Properties);
  expect(alarms.map(({ Namespace, MetricName }) => [Namespace, MetricName])).toEqual([
    ['AWS/Lambda', 'Errors'],
    ['AWS/Lambda', 'Throttles'],
    ['AWS/ApiGateway', '5xx'],
  ]);
  for (const alarm of alarms) {
    expect(alarm).toMatchObject({ Threshold: 0, EvaluationPeriods: 1, Statistic: 'Sum', Period: 300 });
    expect(alarm.ComparisonOperator).toBe('GreaterThanThreshold');
    expect(alarm.AlarmActions).toHaveLength(1);
    expect(JSON.stringify(alarm.Dimensions)).toMatch(/"Ref":"WasmFunction\w+"/);
  }
});

it('reserves no concurrency where told so: a new account has too little of it', () => {
  const [each] = synthesise({ fallback: { concurrency: 0 } }).resources('AWS::Lambda::Function');
  expect(each?.Properties.ReservedConcurrentExecutions).toBeUndefined();
});

describe('lambdaCode', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mien-lambda-'));

  it.each([
    ['is not there', join(folder, 'absent')],
    ['is empty', folder],
  ])('warns of the placeholder where the folder %s', (_, nothing) => {
    const stack = new Stack(new App(), 'Empty');
    expect(lambdaCode(stack, nothing)).toMatchObject({ path: expect.stringMatching(/placeholder$/) });
    Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp('npm run lambda:build'));
  });

  it('takes what was built, in silence', () => {
    const stack = new Stack(new App(), 'Built');
    const built = join(folder, 'built');
    mkdirSync(built);
    writeFileSync(join(built, 'index.mjs'), '');
    expect(lambdaCode(stack, built)).toMatchObject({ path: built });
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  it('has a placeholder that says what is wrong', async () => {
    const { statusCode, body } = await handler();
    expect(statusCode).toBe(503);
    expect(JSON.parse(body).error.code).toBe('not_deployed');
  });
});
