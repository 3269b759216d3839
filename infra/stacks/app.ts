import { App, type AppProps, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { type Config, isExample } from '../lib/config.js';
import { FallbackStack } from './fallback.js';
import { FoundationStack } from './foundation.js';
import { GpuStack } from './gpu.js';
import { SageMakerStack } from './sagemaker.js';
import { TrainingStack } from './training.js';

/** Types that learnt tags lately: older checkers of templates refuse them there, and none of them costs anything. */
const UNTAGGED = [
  'AWS::ApplicationAutoScaling::ScalableTarget',
  'AWS::CloudWatch::Dashboard',
  'AWS::ElasticLoadBalancingV2::Listener',
];

/** All stacks of one stage. cdk-nag runs at every synthesis, and a finding without a reason ends it. */
export function createApp(config: Config, props: AppProps = {}): App {
  const app = new App(props);
  // The region is written down and the account is not: nothing is looked up, and no credentials are needed.
  const env = { region: config.region };
  const name = (part: string) => `mien-${config.stage}-${part}`;
  const foundation = new FoundationStack(app, name('foundation'), {
    config,
    env,
    terminationProtection: config.protect,
  });
  const shared = { config, env, foundation };
  new GpuStack(app, name('gpu'), { ...shared, description: 'mien: GPU endpoint on ECS' });
  new FallbackStack(app, name('fallback'), { ...shared, description: 'mien: WASM fallback in Lambda' });
  new SageMakerStack(app, name('sagemaker'), { ...shared, description: 'mien: GPU endpoint on SageMaker' });
  new TrainingStack(app, name('training'), {
    ...shared,
    description: 'mien: training and bulk scoring on Batch',
  });

  const tags = { project: 'mien', stage: config.stage, owner: config.owner };
  for (const [key, value] of Object.entries(tags))
    Tags.of(app).add(key, value, { excludeResourceTypes: UNTAGGED });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  if (isExample(config))
    Validations.of(foundation).addWarning(
      'mien:example-domain',
      `domain is still ${config.domain.name}: set domain in infra/config.json before deploying.`,
    );
  return app;
}
