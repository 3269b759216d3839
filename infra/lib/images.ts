import { aws_ecr as ecr, RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { Config } from './config.js';

/** The repository of our images: scanned, and a tag never changes its meaning. */
export class Images extends Construct {
  readonly repository: ecr.Repository;

  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id);
    this.repository = new ecr.Repository(this, 'Repository', {
      repositoryName: config.images.repository,
      imageScanOnPush: true,
      imageTagMutability: ecr.TagMutability.IMMUTABLE,
      // Counted apart, or twenty new images of the one kind would take the other's, which may be running, away.
      lifecycleRules: ['gpu', 'sagemaker'].map((kind) => ({
        description: `The last twenty images for ${kind} can be rolled back to.`,
        tagPrefixList: [`${kind}-`],
        maxImageCount: 20,
      })),
      removalPolicy: config.protect ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }
}
