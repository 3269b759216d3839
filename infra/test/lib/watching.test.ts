import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { QUEUE_METRIC } from '../../lib/server.js';
import { synthesise } from '../support/synth.js';

const { templates, resources } = synthesise({
  alarms: { errorPercent: 2, latencySeconds: 3, queueLength: 50 },
  alarmEmail: 'ops@example.com',
});

describe('alarms', () => {
  it('watch errors, latency, the queue and healthy tasks', () => {
    const alarms = resources('AWS::CloudWatch::Alarm', 'gpu').map(({ Properties }) => Properties);
    expect(alarms.map(({ AlarmDescription }) => AlarmDescription).sort()).toEqual([
      'mien: 99th percentile of the answer time, in seconds',
      'mien: Answers that are 5xx, in percent',
      'mien: Crops waiting for the GPU',
      'mien: No task is ready: the fallback answers',
    ]);
    for (const alarm of alarms) expect(alarm.AlarmActions).toHaveLength(1);
  });

  it('take their thresholds from the configuration', () => {
    const errors = resources('AWS::CloudWatch::Alarm', 'gpu').find(({ Properties }) => Properties.Metrics);
    expect(errors?.Properties.Threshold).toBe(2);
    const names = errors?.Properties.Metrics.flatMap(
      (each: { MetricStat?: { Metric: { MetricName: string } } }) =>
        each.MetricStat ? [each.MetricStat.Metric.MetricName] : [],
    );
    expect(names.sort()).toEqual(['HTTPCode_ELB_5XX_Count', 'HTTPCode_Target_5XX_Count', 'RequestCount']);
    // None of them has data where nothing happened; without a healthy task not even the requests.
    const { Expression } = errors?.Properties.Metrics.find(
      (each: { Expression?: string }) => each.Expression,
    ) as { Expression: string };
    for (const name of ['task', 'elb', 'requests'])
      expect(Expression.replaceAll(`FILL(${name}, 0)`, '')).not.toContain(name);
    templates.gpu?.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'TargetResponseTime',
      ExtendedStatistic: 'p99',
      Threshold: 3,
    });
    templates.gpu?.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'mien',
      MetricName: QUEUE_METRIC,
      Threshold: 50,
    });
    templates.gpu?.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'HealthyHostCount',
      TreatMissingData: 'breaching',
    });
  });

  it('say when the queue is not known any more: its agent may stop without the task', () => {
    const missing = resources('AWS::CloudWatch::Alarm', 'gpu')
      .filter(({ Properties }) => Properties.InsufficientDataActions)
      .map(({ Properties }) => [Properties.MetricName, Properties.TreatMissingData]);
    expect(missing).toEqual([[QUEUE_METRIC, 'missing']]);
  });

  it('get the queue from the agent, which publishes that metric only', () => {
    const [task] = resources('AWS::ECS::TaskDefinition');
    const agent = task?.Properties.ContainerDefinitions.find(
      ({ Name }: { Name: string }) => Name === 'agent',
    );
    expect(agent.Essential).toBe(false);
    const { Value } = agent.Environment.find(({ Name }: { Name: string }) => Name === 'CW_CONFIG_CONTENT');
    const text = Value['Fn::Join'][1]
      .map((part: unknown) => (typeof part === 'string' ? part : 'LOGS'))
      .join('');
    const { prometheus } = JSON.parse(text).logs.metrics_collected;
    expect(prometheus.log_group_name).toBe('LOGS');
    expect(prometheus.emf_processor.metric_declaration[0].metric_selectors).toEqual([`^${QUEUE_METRIC}$`]);
    expect(agent.RestartPolicy).toEqual({ Enabled: true });
  });

  it('watch the queue of their own stage', () => {
    const { resources } = synthesise({ stage: 'test' });
    const [task] = resources('AWS::ECS::TaskDefinition');
    const agent = JSON.stringify(task?.Properties.ContainerDefinitions[1]);
    expect(agent).toContain("labels: { service: mien, stage: 'test' }");
    // JSON in JSON in JSON.
    expect(agent.replaceAll('\\', '')).toContain('"dimensions":[["service","stage"]]');
    const queue = resources('AWS::CloudWatch::Alarm').find(
      ({ Properties }) => Properties.MetricName === QUEUE_METRIC,
    );
    expect(queue?.Properties.Dimensions).toEqual([
      { Name: 'service', Value: 'mien' },
      { Name: 'stage', Value: 'test' },
    ]);
  });

  it('reach the e-mail address through an encrypted topic', () => {
    templates.foundation?.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() });
    templates.foundation?.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'ops@example.com',
    });
  });

  it('are published by CloudWatch for this account alone', () => {
    const documents = [
      ...resources('AWS::SNS::TopicPolicy', 'foundation').map(({ Properties }) => Properties.PolicyDocument),
      ...resources('AWS::KMS::Key', 'foundation').map(({ Properties }) => Properties.KeyPolicy),
    ];
    const statements = documents
      .flatMap(({ Statement }) => Statement)
      .filter(({ Principal }) => Principal.Service === 'cloudwatch.amazonaws.com');
    expect(statements.map(({ Action }) => Action)).toEqual([
      'sns:Publish',
      ['kms:Decrypt', 'kms:GenerateDataKey*'],
    ]);
    for (const { Condition } of statements)
      expect(Condition).toEqual({ StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } });
  });
});

it('has a dashboard of alarms, requests, answer times, the queue and tasks', () => {
  const [dashboard] = resources('AWS::CloudWatch::Dashboard');
  const body = JSON.stringify(dashboard?.Properties.DashboardBody);
  for (const title of ['Alarms', 'Requests and 5xx a minute', 'Answer time (s)', 'Crops waiting', 'Tasks'])
    expect(body).toContain(title);
});
