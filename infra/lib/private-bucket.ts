import { Duration, RemovalPolicy, aws_s3 as s3 } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.js';
import type { Config } from './config.js';

export interface PrivateBucketProps {
  config: Config;
  /** Receives this bucket's access logs; without it the bucket is itself one of logs. */
  logs?: s3.IBucket;
  /** Objects go after so many days; they stay by default. */
  expireDays?: number;
}

/** A bucket that is never public, always encrypted, reached over TLS only, and cleans up after broken uploads. */
export class PrivateBucket extends Construct {
  readonly bucket: s3.Bucket;

  constructor(scope: Construct, id: string, { config, logs, expireDays }: PrivateBucketProps) {
    super(scope, id);
    this.bucket = new s3.Bucket(this, 'Bucket', {
      // SSE-S3, not KMS: load balancers can write to no other.
      encryption: s3.BucketEncryption.S3_MANAGED,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      ...(logs && { serverAccessLogsBucket: logs, serverAccessLogsPrefix: `s3/${id}/` }),
      removalPolicy: config.protect ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      lifecycleRules: [
        {
          abortIncompleteMultipartUploadAfter: Duration.days(7),
          ...(expireDays && { expiration: Duration.days(expireDays) }),
        },
      ],
    });
    if (!logs)
      acknowledge(this.bucket, {
        'AwsSolutions-S1': 'It receives the access logs: logging itself would never end.',
      });
  }
}
