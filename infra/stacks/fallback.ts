import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../lib/config.js';
import { WasmFunction } from '../lib/wasm-function.js';
import type { FoundationStack } from './foundation.js';

/** The Lambda that answers under the same name while no GPU does. */
export class FallbackStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    props: StackProps & { config: Config; foundation: FoundationStack },
  ) {
    super(scope, id, props);
    const { config, foundation } = props;
    new WasmFunction(this, 'WasmFunction', {
      config,
      certificate: foundation.certificate,
      apiKeys: foundation.apiKeys.secret,
      topic: foundation.alarms.topic,
    });
  }
}
