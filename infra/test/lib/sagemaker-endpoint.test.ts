import { expect, it } from 'vitest';
import { synthesise } from '../support/synth.js';

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
      TargetValue: 3000,
      PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' },
    },
  });
});

it('is watched', () => {
  templates.sagemaker?.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'Invocation5XXErrors' });
});
