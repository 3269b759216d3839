import { expect, it } from 'vitest';
import { type Resource, synthesise } from '../support/synth.js';

const { templates, resources } = synthesise({ sagemaker: { maxInstances: 6 } });

it('runs our image for SageMaker, without a network', () => {
  const [model] = resources('AWS::SageMaker::Model');
  expect(model?.Properties.EnableNetworkIsolation).toBe(true);
  expect(JSON.stringify(model?.Properties.PrimaryContainer.Image)).toContain(':sagemaker-0.1.0');
});

it('keeps no pictures', () => {
  const [config] = resources('AWS::SageMaker::EndpointConfig');
  expect(config?.Properties.DataCaptureConfig).toBeUndefined();
});

it('scales by invocations an instance', () => {
  templates.sagemaker?.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
    ServiceNamespace: 'sagemaker',
    ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
    MinCapacity: 1,
    MaxCapacity: 6,
  });
  templates.sagemaker?.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 450,
      PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' },
    },
  });
});

it('has logs that expire, made before SageMaker would make some that do not', () => {
  const groups = templates.sagemaker?.findResources('AWS::Logs::LogGroup') ?? {};
  expect(Object.keys(groups)).toHaveLength(1);
  const [[id, group]] = Object.entries(groups) as [[string, Resource]];
  expect(group.Properties.RetentionInDays).toBe(30);
  const [endpoint] = resources('AWS::SageMaker::Endpoint');
  expect(endpoint?.DependsOn).toContain(id);
  const [prefix, ...name] = group.Properties.LogGroupName['Fn::Join'][1];
  expect([prefix, ...name].join('')).toMatch(/^\/aws\/sagemaker\/Endpoints\/mien-prod-/);
  const named = endpoint?.Properties.EndpointName['Fn::Join'][1];
  expect(named).toEqual([prefix.replace('/aws/sagemaker/Endpoints/', ''), ...name]);
  expect(JSON.stringify(named)).toContain('AWS::StackId');
});

it('is watched, and says when it is over', () => {
  const [alarm, ...others] = resources('AWS::CloudWatch::Alarm', 'sagemaker');
  expect(others).toEqual([]);
  expect(alarm?.Properties).toMatchObject({ MetricName: 'Invocation5XXErrors', Threshold: 5 });
  expect(alarm?.Properties.OKActions).toEqual(alarm?.Properties.AlarmActions);
  expect(alarm?.Properties.OKActions).toHaveLength(1);
});
