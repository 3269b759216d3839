import { aws_secretsmanager as secretsmanager } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.js';

/**
 * Hashes (SHA-256, hex, separated by commas) of the API keys. It starts with a random hash, which no key has: an
 * endpoint that nobody has set a key for answers nobody.
 */
export class ApiKeys extends Construct {
  readonly secret: secretsmanager.Secret;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.secret = new secretsmanager.Secret(this, 'Secret', {
      description: 'mien: SHA-256 hashes of the API keys, hex, separated by commas',
      generateSecretString: {
        passwordLength: 64,
        excludePunctuation: true,
        excludeUppercase: true,
        excludeCharacters: 'ghijklmnopqrstuvwxyz',
        requireEachIncludedType: false,
      },
    });
    acknowledge(this.secret, {
      'AwsSolutions-SMG4':
        'Keys are given to clients by people: several are valid at once, and a client changes over when it can.',
    });
  }
}
